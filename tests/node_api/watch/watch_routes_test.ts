import assert from "node:assert/strict";
import { WATCH_HEARTBEAT_MS } from "../../../src/wire/watch.ts";
import { settle } from "../../fakes/fake_clock.ts";
import { FakeSources } from "../fake_sources.ts";
import { call, dial, send } from "../raw_http.ts";
import { httpSettings, startApi } from "../running_api.ts";
import { Reader } from "./reader.ts";

/** A stream of changes over a connection of its own, as `fetch` gives it. */
async function watch(socket: string, target = "/v1/watch") {
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const answer = await fetch(`http://192.0.2.1${target}`, { client });
  const reader = new Reader(answer.body!);
  return {
    answer,
    reader,
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      client.close();
    },
  };
}

function noted(sources: FakeSources, key: string) {
  sources.changes.note([{
    kind: "data",
    key,
    version: 1,
    change: "added",
    origin: "control_plane",
  }]);
}

Deno.test("GET /v1/watch streams changes on both sockets, uncompressed and not stored", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  for (const socket of [running.socket, running.secretsSocket]) {
    await using stream = await watch(socket);
    const { headers, status } = stream.answer;
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "text/event-stream");
    assert.equal(headers.get("cache-control"), "no-store, no-transform");
    assert.equal(headers.get("content-encoding"), null);
    assert.equal((await stream.reader.next())!.event, "hello");
    noted(sources, "a");
    assert.equal((await stream.reader.next())!.data.key, "a");
  }
});

Deno.test("GET /v1/watch over TCP wants the bearer, and streams with it", async () => {
  const sources = new FakeSources();
  await using running = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const url = `http://127.0.0.1:${running.api.httpPort}/v1/watch`;
  const refused = await fetch(url);
  assert.equal(refused.status, 401);
  await refused.body?.cancel();
  const { body } = await fetch(url, {
    headers: { authorization: "Bearer t0ken" },
  });
  const reader = new Reader(body!);
  await reader.next();
  noted(sources, "a");
  assert.equal((await reader.next())!.data.key, "a");
  await reader.cancel();
});

const refusals: readonly [what: string, query: string, error: RegExp][] = [
  ["an unknown kind", "kind=date", /^unknown kind: there are metadata, data,/],
  ["one of a list", "kind=data,", /^unknown kind/],
  ["an empty key", "key=", /^key must have 1 to 1024 characters$/],
  ["a long key", `key=${"k".repeat(1025)}`, /^key must have/],
  ["too many keys", "key=a&".repeat(65), /^key is given more than 64 times$/],
  ["a word it does not know", "kinds=data", /^unknown parameter: there are/],
  ["broken encoding", "key=%zz", /^malformed query$/],
  ["no UTF-8", "key=%ff", /^malformed query$/],
];

for (const [what, query, error] of refusals) {
  Deno.test(`GET /v1/watch refuses ${what} with 400 and says why`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    const answer = await call(running.socket, `/v1/watch?${query}`);
    assert.equal(answer.status, 400);
    assert.match(JSON.parse(answer.body).error, error);
    assert.equal(sources.watchers.status.open, 0);
  });
}

Deno.test("HEAD /v1/watch opens no stream, and other methods are not allowed", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  const head = await call(running.socket, "/v1/watch", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-type"), "text/event-stream");
  const post = await call(running.socket, "/v1/watch", { method: "POST" });
  assert.deepEqual(
    [post.status, post.headers.get("allow")],
    [405, "GET, HEAD"],
  );
  assert.equal(sources.watchers.status.open, 0);
});

Deno.test("GET /v1/watch answers 503 when there are too many, over all listeners", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  await using _one = await watch(running.socket);
  await using _two = await watch(running.secretsSocket);
  {
    await using _three = await watch(running.socket);
    const answer = await call(running.socket, "/v1/watch");
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "5");
    assert.deepEqual(JSON.parse(answer.body), { error: "too many watchers" });
  }
  while (sources.watchers.status.open > 2) await settle(1);
  await using again = await watch(running.socket);
  assert.equal((await again.reader.next())!.event, "hello");
});

Deno.test("GET /v1/watch tells nothing of a state that must not be served, but of reports", async () => {
  const sources = new FakeSources();
  Object.assign(sources, { refusal: () => "snapshot_expired" });
  await using running = await startApi(sources);
  for (const query of ["", "?kind=report,data", "?key=a"]) {
    const answer = await call(running.socket, `/v1/watch${query}`);
    assert.equal(answer.status, 503);
    assert.deepEqual(JSON.parse(answer.body), {
      error: "state unavailable",
      reason: "snapshot_expired",
    });
  }
  await using own = await watch(
    running.socket,
    "/v1/watch?kind=report&kind=status",
  );
  assert.equal((await own.reader.next())!.event, "hello");
});

Deno.test("a stop ends streams with their reason at once, a reader that never reads included", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  using silent = await dial(running.socket);
  await send(silent, "/v1/watch");
  await using stream = await watch(running.socket);
  await stream.reader.next();
  while (sources.watchers.status.open < 2) await settle(1);
  noted(sources, "a");
  running.stop();
  await running.stopped;
  const rest = await stream.reader.rest();
  assert.deepEqual(rest.map(({ event }) => event), ["change", "end"]);
  assert.deepEqual(rest[1]!.data, { reason: "stopping" });
  assert.deepEqual(sources.watchers.status.open, 0);
  assert.deepEqual(sources.clock.sleeping, []);
});

Deno.test("a reader that never reads is dropped, and another one gets everything", async () => {
  const sources = new FakeSources();
  await using running = await startApi(sources);
  using silent = await dial(running.socket);
  await send(silent, "/v1/watch");
  await using stream = await watch(running.socket);
  await stream.reader.next();
  while (sources.watchers.status.open < 2) await settle(1);
  // Far more than the socket and the runtime hold for one that does not read.
  const keys = Array.from({ length: 2_000 }, (_, at) => `${at}-`.padEnd(800));
  for (const key of keys) {
    noted(sources, key);
    assert.equal((await stream.reader.next())!.data.key, key);
  }
  await sources.clock.advance(WATCH_HEARTBEAT_MS);
  await stream.reader.chunk();
  await sources.clock.advance(WATCH_HEARTBEAT_MS);
  assert.deepEqual(sources.watchers.status, {
    open: 1,
    dropped: 1,
    refused: 0,
  });
  noted(sources, "after");
  assert.equal((await stream.reader.next())!.data.key, "after");
});

Deno.test("an open stream tells nothing of a state that must not be read any more", async () => {
  const sources = new FakeSources();
  let reason: "snapshot_expired" | undefined = undefined;
  Object.assign(sources, { refusal: () => reason });
  await using running = await startApi(sources);
  await using all = await watch(running.socket);
  await using own = await watch(
    running.socket,
    "/v1/watch?kind=report,status",
  );
  await using quiet = await watch(running.socket, "/v1/watch?key=other");
  for (const { reader } of [all, own, quiet]) {
    assert.equal((await reader.next())!.event, "hello");
  }
  noted(sources, "before");
  assert.equal((await all.reader.next())!.data.key, "before");
  reason = "snapshot_expired";
  noted(sources, "hidden");
  sources.changes.note([{
    kind: "report",
    key: "r",
    version: 1,
    change: "added",
    origin: "local",
  }]);
  for (const { reader } of [all, quiet]) {
    const ends = await reader.rest();
    assert.deepEqual(ends.map(({ event, data }) => ({ event, data })), [
      { event: "end", data: { reason: "state_unavailable" } },
    ]);
  }
  assert.equal((await own.reader.next())!.data.key, "r");
  const later = await call(running.socket, "/v1/watch");
  assert.equal(later.status, 503);
});

Deno.test("a stream that hears nothing ends with its next beat when the state must not be read", async () => {
  const sources = new FakeSources();
  let reason: "snapshot_expired" | undefined = undefined;
  Object.assign(sources, { refusal: () => reason });
  await using running = await startApi(sources);
  await using stream = await watch(running.socket);
  assert.equal((await stream.reader.next())!.event, "hello");
  reason = "snapshot_expired";
  await sources.clock.advance(WATCH_HEARTBEAT_MS);
  assert.equal((await stream.reader.next())!.event, "end");
});
