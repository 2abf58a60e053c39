import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { nodeOf } from "./node_of.ts";
import { failureFrom, RawServer, TestServer, until } from "./serve.ts";

const never = new AbortController().signal;

function fixture(...urls: [string, ...string[]]) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const [baseUrl, ...fallbackUrls] = urls;
  const client = new ControlClient({
    baseUrl,
    fallbackUrls,
    version: "1",
    clock,
    log,
  });
  client.setAuthToken("token");
  return { client, clock, log };
}

/** An address where nobody listens. */
function deadUrl(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
}

const ok = () => Response.json({ at: "second" });

for (const status of [302, 308, 407, 502, 503, 504]) {
  Deno.test(`a GET that is answered ${status} goes on to the next address, and later calls stay there`, async () => {
    await using first = new TestServer(() => new Response("", { status }));
    await using second = new TestServer(ok);
    const { client, log } = fixture(first.url, second.url);
    const answer = await client.getJson("/v1/x", never);
    assert.deepEqual(answer?.value, { at: "second" });
    await client.postJson("/v1/x", "{}", never);
    await client.getJson("/v1/x", never);
    assert.equal(first.seen.length, 1);
    assert.equal(second.seen.length, 3);
    assert.match(log.text, /the next one is asked/);
  });

  Deno.test(`a POST that is answered ${status} is not made twice; the next call goes elsewhere`, async () => {
    await using first = new TestServer(() => new Response("", { status }));
    await using second = new TestServer(ok);
    const { client } = fixture(first.url, second.url);
    const error = await failureFrom(client.postJson("/v1/x", "{}", never));
    assert.ok(error instanceof ControlError);
    assert.equal(error.status, status);
    assert.equal(second.seen.length, 0);
    await client.postJson("/v1/x", "{}", never);
    assert.equal(second.seen.length, 1);
  });
}

for (const status of [400, 401, 403, 404, 409, 429, 500, 501]) {
  Deno.test(`status ${status} is the control plane's own word: no other address is asked`, async () => {
    await using first = new TestServer(() => new Response("", { status }));
    await using second = new TestServer(ok);
    const { client } = fixture(first.url, second.url);
    for (let turn = 0; turn < 2; turn++) {
      const error = await failureFrom(client.getJson("/v1/x", never));
      assert.ok(error instanceof ControlError);
      assert.equal(error.status, status);
    }
    assert.equal(second.seen.length, 0);
  });
}

Deno.test("a POST that never got a connection is made at the next address", async () => {
  await using second = new TestServer(ok);
  const { client } = fixture(deadUrl(), second.url);
  await client.postJson("/v1/x", '{"a":1}', never);
  assert.equal(second.seen.length, 1);
  assert.equal(
    second.seen[0]?.headers.get("authorization"),
    "Bearer token",
  );
});

Deno.test("a POST whose connection broke is not made twice", async () => {
  await using first = new RawServer("");
  await using second = new TestServer(ok);
  const { client } = fixture(first.url, second.url);
  const error = await failureFrom(client.postJson("/v1/x", "{}", never));
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "unreachable");
  assert.equal(second.seen.length, 0);
});

Deno.test("a GET leaves an address that does not answer within the connect time-out", async () => {
  await using first = new RawServer("", true);
  await using second = new TestServer(ok);
  const { client, clock } = fixture(first.url, second.url);
  const work = client.getJson("/v1/x", never);
  await until("both limits run", () => clock.sleeping.length === 2);
  await clock.advance(10_000);
  assert.deepEqual((await work)?.value, { at: "second" });
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("a POST has the whole request time-out at one address", async () => {
  await using first = new RawServer("", true);
  await using second = new TestServer(ok);
  const { client, clock } = fixture(first.url, second.url);
  const work = failureFrom(client.postJson("/v1/x", "{}", never));
  await until("the limit runs", () => clock.sleeping.length === 1);
  await clock.advance(30_000);
  const error = await work;
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "timeout");
  await client.postJson("/v1/x", "{}", never);
  assert.equal(second.seen.length, 1);
});

Deno.test("when every address fails, an answer is told rather than silence", async () => {
  await using second = new TestServer(() =>
    new Response("busy", { status: 503, headers: { "retry-after": "7" } })
  );
  const { client } = fixture(deadUrl(), second.url, deadUrl());
  const error = await failureFrom(client.getJson("/v1/x", never));
  assert.ok(error instanceof ControlError);
  assert.equal(error.status, 503);
  assert.equal(error.retryAfterMs, 7_000);
});

Deno.test("an event stream opens at the address that answers, with its cursor", async () => {
  const headers = { "content-type": "text/event-stream" };
  await using first = new TestServer(() => new Response("", { status: 502 }));
  await using second = new TestServer(() => new Response(":\n", { headers }));
  const { client } = fixture(first.url, second.url);
  const body = await nodeOf(client).openEvents("41", never);
  await body.cancel();
  assert.equal(second.seen[0]?.headers.get("last-event-id"), "41");
});

Deno.test("a call that its caller cancels asks no further address", async () => {
  await using first = new RawServer("", true);
  await using second = new TestServer(ok);
  const { client, clock } = fixture(first.url, second.url);
  const stop = new AbortController();
  const work = failureFrom(client.getJson("/v1/x", stop.signal));
  await until("both limits run", () => clock.sleeping.length === 2);
  const reason = new Error("enough");
  stop.abort(reason);
  assert.equal(await work, reason);
  assert.equal(second.seen.length, 0);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("every address is under the same rules", () => {
  assert.throws(
    () => fixture("https://a.example", "http://b.example"),
    RangeError,
  );
});
