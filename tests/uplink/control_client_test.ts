import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import type { ControlClientOptions } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { vectors, VECTORS_NOW_MS } from "../vectors/load.ts";
import { failureFrom, type SeenRequest, TestServer } from "./serve.ts";

const never = new AbortController().signal;

function clientFor(url: string, options: Partial<ControlClientOptions> = {}) {
  return new ControlClient({
    baseUrl: url,
    version: "1.2.3",
    clock: new FakeClock(VECTORS_NOW_MS),
    log: new MemoryLog(),
    ...options,
  });
}

function textOf(seen: SeenRequest | undefined): string {
  return new TextDecoder().decode(seen?.body);
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

const registration = {
  token: "boot-token",
  public_key: "cHVi",
  hostname: "host",
};
const registered = {
  node_id: "n1",
  mesh_ip: "10.0.0.1",
  signing_public_key: "c2ln",
  node_secret_key: "nsk",
};
const calls: {
  name: string;
  answer: string;
  call: (client: ControlClient) => Promise<unknown>;
  method: string;
  path: string;
  bearer?: string;
  body?: string;
  result?: unknown;
}[] = [
  {
    name: "ping",
    answer: "whatever",
    call: (client) => client.ping(never),
    method: "GET",
    path: "/v1/ping",
    result: 200,
  },
  {
    name: "getJson",
    answer: ' {"a":1.0} and more',
    call: (client) => client.getJson("/v1/x", never),
    method: "GET",
    path: "/v1/x",
    result: { raw: '{"a":1.0}', value: { a: 1 }, rest: " and more" },
  },
  {
    name: "getJson without an answer",
    answer: "",
    call: (client) => client.getJson("/v1/x", never),
    method: "GET",
    path: "/v1/x",
  },
  {
    name: "postJson",
    answer: "[true]",
    call: (client) => client.postJson("/v1/x", '{"b":2.0}', never),
    method: "POST",
    path: "/v1/x",
    body: '{"b":2.0}',
    result: { raw: "[true]", value: [true], rest: "" },
  },
  {
    name: "postJson without an answer",
    answer: " ",
    call: (client) => client.postJson("/v1/x", undefined, never),
    method: "POST",
    path: "/v1/x",
  },
  {
    name: "sendJson",
    answer: "null",
    call: (client) => client.sendJson("PUT", "/v1/x", "[3]", never),
    method: "PUT",
    path: "/v1/x",
    body: "[3]",
    result: { raw: "null", value: null, rest: "" },
  },
  {
    name: "register",
    answer: JSON.stringify({ ...registered, peers: null, domain_id: null }),
    call: (client) => client.register("boot-token", registration, never),
    method: "POST",
    path: "/v1/register",
    bearer: "boot-token",
    body: JSON.stringify(registration),
    result: registered,
  },
];
for (
  const { name, answer, call, method, path, bearer, body, result } of calls
) {
  Deno.test(`ControlClient makes the call ${name} as the contract says`, async () => {
    await using server = new TestServer(() => new Response(answer));
    const client = clientFor(`${server.url}//`);
    client.setAuthToken("node-token");
    assert.deepEqual(await call(client), result);
    const [seen] = server.seen;
    assert.equal(seen?.method, method);
    assert.equal(seen?.path, path);
    const { headers } = seen!;
    assert.equal(
      headers.get("authorization"),
      `Bearer ${bearer ?? "node-token"}`,
    );
    assert.equal(headers.get("user-agent"), "plexd/1.2.3");
    assert.equal(headers.get("accept"), "application/json");
    assert.equal(headers.get("accept-encoding"), "gzip");
    assert.equal(headers.get("content-encoding"), null);
    assert.equal(
      headers.get("content-type"),
      body === undefined ? null : "application/json",
    );
    assert.equal(textOf(seen), body ?? "");
  });
}

Deno.test("ControlClient.register() leaves the bearer of other calls alone", async () => {
  await using server = new TestServer(() => Response.json(registered));
  const client = clientFor(server.url);
  await client.register("boot-token", registration, never);
  await client.ping(never);
  client.setAuthToken("later");
  await client.ping(never);
  client.setAuthToken(undefined);
  await client.ping(never);
  assert.deepEqual(
    server.seen.map(({ headers }) => headers.get("authorization")),
    ["Bearer boot-token", null, "Bearer later", null],
  );
});

for (const { json_bytes, content_encoding } of vectors.gzip_threshold) {
  Deno.test(`ControlClient sends a body of ${json_bytes} bytes with encoding ${content_encoding}`, async () => {
    await using server = new TestServer(() => new Response());
    const text = JSON.stringify(
      "é".repeat(10) + "x".repeat(json_bytes - 22),
    );
    await clientFor(server.url).postJson("/v1/x", text, never);
    const [seen] = server.seen;
    assert.equal(seen?.headers.get("content-encoding"), content_encoding);
    assert.equal(
      seen?.headers.get("content-length"),
      String(seen?.body.length),
    );
    const sent = content_encoding ? await gunzip(seen!.body) : textOf(seen);
    assert.equal(new TextEncoder().encode(sent).length, json_bytes);
    assert.equal(sent, text);
  });
}

const badAnswers = [
  { what: "HTML", body: "<html>sign in</html>" },
  { what: "nothing", body: "" },
  { what: "broken JSON", body: '{"node_secret_key":hunter2}' },
  { what: "a list", body: "[]" },
  { what: "wrong types", body: '{"node_id":{"hunter2":1}}' },
  { what: "very deep nesting", body: "[".repeat(200_000) },
];
for (const { what, body } of badAnswers) {
  Deno.test(`ControlClient.register() calls ${what} a bad answer`, async () => {
    await using server = new TestServer(() => new Response(body));
    const error = await failureFrom(
      clientFor(server.url).register("t", registration, never),
    );
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "bad_answer");
    assert.doesNotMatch(Deno.inspect(error), /hunter2|sign in/);
  });
}

for (
  const token of [
    "",
    "hunter2\nb",
    " hunter2",
    "hunter2 ",
    "hunter2é",
    "hunter2\0",
  ]
) {
  Deno.test(`ControlClient refuses the token ${JSON.stringify(token)} without quoting it`, async () => {
    const client = clientFor("http://127.0.0.1:9");
    const quoteFree = (error: unknown) =>
      error instanceof RangeError &&
      !error.message.includes("hunter2");
    assert.throws(() => client.setAuthToken(token), quoteFree);
    await assert.rejects(
      client.register(token, registration, never),
      quoteFree,
    );
  });
}

for (const name of ["connectTimeoutMs", "requestTimeoutMs", "maxAnswerBytes"]) {
  Deno.test(`ControlClient refuses ${name} that is not above 0`, () => {
    for (const value of [0, -1, NaN]) {
      assert.throws(
        () => clientFor("http://localhost", { [name]: value }),
        RangeError,
      );
    }
  });
}

Deno.test("ControlClient says whether its address is exposed, and refuses one by default", () => {
  assert.throws(() => clientFor("http://example.com"), RangeError);
  const exposed = { allowPlaintext: true };
  assert.equal(clientFor("http://example.com", exposed).exposed, true);
  assert.equal(clientFor("https://example.com").exposed, false);
});
