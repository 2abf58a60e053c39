import assert from "node:assert/strict";
import { PublishedApi } from "../openapi/published_api.ts";
import { type Address, call, type RawAnswer } from "../raw_http.ts";
import { httpSettings, startApi } from "../running_api.ts";
import {
  type ContractCase,
  type Expected,
  givenNode,
  LISTENERS,
} from "./contract_case.ts";
import { CONTRACT } from "./table.ts";

const published = await PublishedApi.ofThis();

/** Fields that tell of this very answer, or of the connection. */
const OWN = [
  "date",
  "content-length",
  "transfer-encoding",
  "connection",
  "vary",
];

function assertAnswer(answer: RawAnswer, expected: Expected) {
  assert.equal(answer.status, expected.status, answer.body);
  if (typeof expected.body === "string") {
    assert.equal(answer.body, expected.body);
  } else assert.match(answer.body, expected.body);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const field = answer.headers.get(name);
    if (value === null) assert.equal(field, undefined, name);
    else if (typeof value === "string") assert.equal(field, value, name);
    else assert.match(field ?? "", value, name);
  }
}

/** One request to a node of its own, and for a GET the same as HEAD. */
async function check(contract: ContractCase, listener: string) {
  const { given, target, request = {}, on } = contract;
  const expected = on?.[listener as keyof typeof on] ?? contract.expected;
  const sources = givenNode();
  given?.(sources);
  await using running = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const address: Address = {
    "api.sock": running.socket,
    "secrets.sock": running.secretsSocket,
  }[listener] ?? running.api.httpPort!;
  const bearer = listener === "TCP" ? { Authorization: "Bearer t0ken" } : {};
  const headers = { ...bearer, ...request.headers };
  const answer = await call(address, target, { ...request, headers });
  assertAnswer(answer, expected);
  published.assertAnswer(request.method ?? "GET", target, answer);

  if (request.method !== undefined) return;
  given?.(sources);
  const head = await call(address, target, {
    ...request,
    headers,
    method: "HEAD",
  });
  assertAnswer(head, { ...expected, body: "" });
  const names = (one: RawAnswer) =>
    [...one.headers.keys()].filter((name) => !OWN.includes(name)).sort();
  assert.deepEqual(names(head), names(answer), "HEAD has the same header");
}

function nameOf({ what, target, request = {} }: ContractCase): string {
  const { method = "GET", headers = {} } = request;
  const fields = Object.entries(headers)
    .map(([name, value]) => ` ${name}: ${value}`);
  const short = target.length > 60 ? `${target.slice(0, 60)}…` : target;
  return `${method} ${short}${fields.join()}${what ? ` ${what}` : ""}`;
}

for (const listener of LISTENERS) {
  Deno.test(`the contract holds over ${listener}`, async (t) => {
    for (const contract of CONTRACT) {
      await t.step(
        nameOf(contract),
        async () => await check(contract, listener),
      );
    }
  });
}

Deno.test("the table meets every answer that is published, and every text of an error", () => {
  assert.deepEqual(published.unmet(), []);
});
