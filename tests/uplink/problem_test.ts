import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { describeFailure } from "../../src/uplink/describe_failure.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom, TestServer } from "./serve.ts";

const TOKEN = "hunter2-hunter2";

async function errorOf(
  body: string,
  type: string,
  status = 403,
  more: Readonly<Record<string, string>> = {},
): Promise<ControlError> {
  const headers = { "content-type": type, ...more };
  await using server = new TestServer(() =>
    new Response(body, { status, headers })
  );
  const client = new ControlClient({
    baseUrl: server.url,
    version: "1",
    clock: new FakeClock(),
    log: new MemoryLog(),
  });
  client.setAuthToken(TOKEN);
  const error = await failureFrom(client.ping(new AbortController().signal));
  assert.ok(error instanceof ControlError);
  assert.equal(error.status, status);
  assert.doesNotMatch(Deno.inspect(error), /hunter2/);
  return error;
}

const PROBLEM = "application/problem+json";

for (const type of [PROBLEM, "Application/Problem+JSON; charset=utf-8"]) {
  Deno.test(`a problem of type ${type} is the same error, with its code`, async () => {
    const error = await errorOf(
      JSON.stringify({
        type: "about:blank",
        title: "Forbidden",
        status: 403,
        detail: "not your node",
        code: "node_id_mismatch",
        unknown: [1],
      }),
      type,
    );
    assert.equal(error.kind, "forbidden");
    assert.equal(error.code, "node_id_mismatch");
    assert.equal(error.serverText, "not your node");
    // The log and the status show no more than the message.
    assert.match(error.message, /status 403 \(node_id_mismatch\)$/);
  });
}

Deno.test("a problem without detail is told by its title", async () => {
  const error = await errorOf('{"title":"Forbidden"}', PROBLEM);
  assert.equal(error.serverText, "Forbidden");
  assert.equal(error.code, undefined);
});

Deno.test("a problem's detail may be long, but what is kept is bounded", async () => {
  const detail = "x".repeat(20_000);
  const error = await errorOf(JSON.stringify({ detail, code: "c" }), PROBLEM);
  assert.equal(error.code, "c");
  assert.equal(error.serverText, "x".repeat(4_096));
});

const others = [
  { what: "of another type", body: '{"code":"c"}', type: "application/json" },
  { what: "that is no JSON", body: "{code", type: PROBLEM },
  { what: "that is a list", body: '["code"]', type: PROBLEM },
  { what: "of wrong types", body: '{"code":1}', type: PROBLEM },
];
for (const { what, body, type } of others) {
  Deno.test(`a document ${what} gives its text and no code`, async () => {
    const error = await errorOf(body, type);
    assert.equal(error.code, undefined);
    assert.equal(error.serverText, body);
  });
}

Deno.test("an endless problem is not read to its end", async () => {
  const error = await errorOf(
    `{"code":"c","detail":"${"x".repeat(100_000)}"}`,
    PROBLEM,
  );
  assert.equal(error.code, undefined);
  assert.equal(error.serverText?.length, 4_096);
});

for (const code of [TOKEN, "two words", "x".repeat(129), "a\u001bb"]) {
  Deno.test(`a code such as ${JSON.stringify(code).slice(0, 20)} is not kept`, async () => {
    const detail = `no ${TOKEN}`;
    const error = await errorOf(JSON.stringify({ code, detail }), PROBLEM);
    assert.equal(error.code, undefined);
    assert.equal(error.serverText, "no [redacted]");
  });
}

const NAMED = '{"code":"c","correlation_id":"of-problem"}';
const names = [
  { where: "a problem", body: NAMED, headers: {}, id: "of-problem" },
  {
    where: "its own header, before others",
    body: NAMED,
    headers: { "x-correlation-id": "of-header", "x-request-id": "of-request" },
    id: "of-header",
  },
  {
    where: "the header of a proxy",
    body: "{}",
    headers: { "x-request-id": "0194-af:1" },
    id: "0194-af:1",
  },
  { where: "nowhere", body: "{}", headers: {}, id: undefined },
  {
    where: "a problem that has a number for it",
    body: '{"code":"c","correlation_id":7}',
    headers: {},
    id: undefined,
  },
  ...[TOKEN, "two words", "x".repeat(129)].map((id) => ({
    where: `a header such as ${id.slice(0, 20)}`,
    body: "{}",
    headers: { "x-correlation-id": id },
    id: undefined,
  })),
];
for (const { where, body, headers, id } of names) {
  Deno.test(`under what the server has noted a call stands in ${where}: ${id}`, async () => {
    const error = await errorOf(body, PROBLEM, 403, headers);
    assert.equal(error.correlationId, id);
    assert.equal(error.code, body === "{}" ? undefined : "c");
    // Or no two failures would have the same words.
    assert.equal(error.message.includes("of-"), false);
    const shown = id === undefined ? "" : ` [correlation id ${id}]`;
    assert.equal(describeFailure(error), error.message + shown);
  });
}

const pages = [
  { type: "text/html; charset=utf-8", body: "not found", isPage: true },
  { type: "text/plain", body: "\n <!doctype html>", isPage: true },
  { type: "text/plain", body: "404 page not found\n", isPage: false },
  { type: PROBLEM, body: '{"detail":"<b>"}', isPage: false },
];
for (const { type, body, isPage } of pages) {
  Deno.test(`a refusal of type ${type} that is ${JSON.stringify(body)} is ${isPage ? "a" : "no"} web page`, async () => {
    const error = await errorOf(body, type, 404);
    assert.equal(error.kind, "not_found");
    assert.equal(error.isPage, isPage);
    assert.equal(error.message.endsWith(" (a web page)"), isPage);
  });
}
