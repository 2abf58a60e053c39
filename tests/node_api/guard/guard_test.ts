import assert from "node:assert/strict";
import {
  BODY_TIMEOUT_MS,
  PATIENCE_MS,
  SWEEP_MS,
  WRITE_TIMEOUT_MS,
} from "../../../src/node_api/guard/limits.ts";
import { settle } from "../../fakes/fake_clock.ts";
import { eventually } from "../../scenarios/eventually.ts";
import { FakeSources } from "../fake_sources.ts";
import { call, dial, receive, send, write } from "../raw_http.ts";
import { httpSettings, type RunningApi, startApi } from "../running_api.ts";

const encoder = new TextEncoder();
const bearer = { Authorization: "Bearer t0ken" };
const HEAD =
  "GET /v1/state/metadata HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t0ken\r\n";

/** An API with a TCP listener; short deadlines are not needed, time is ours. */
function start(
  limits: Parameters<typeof httpSettings>[2] = {},
  sources = new FakeSources(),
): Promise<RunningApi> {
  return startApi(sources, (folder) => httpSettings(folder, "t0ken", limits));
}

/** Everything that comes until the other side closes. */
async function rest(connection: Deno.Conn): Promise<string> {
  const chunks: string[] = [];
  const buffer = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  for (;;) {
    const size = await connection.read(buffer).catch(() => null);
    if (size === null) return chunks.join("");
    chunks.push(decoder.decode(buffer.subarray(0, size), { stream: true }));
  }
}

/** Moves time on until `over` settles. */
async function passTime<T>(api: RunningApi, over: Promise<T>): Promise<T> {
  let isOver = false;
  const noted = over.finally(() => isOver = true);
  await eventually("the end of it", async () => {
    await api.clock.advance(SWEEP_MS);
    return isOver ? true : undefined;
  });
  return await noted;
}

Deno.test("requests on one connection are answered in order, sent one by one or all ahead", async () => {
  await using api = await start();
  using connection = await dial(api.api.httpPort!);
  for (let turn = 0; turn < 3; turn++) {
    await write(connection, encoder.encode(`${HEAD}\r\n`));
    assert.equal((await receive(connection))?.status, 200);
  }
  const put = (key: number) =>
    `PUT /v1/state/report/k${key} HTTP/1.1\r\nHost: localhost\r\n` +
    "Authorization: Bearer t0ken\r\nTransfer-Encoding: chunked\r\n\r\n" +
    '1e\r\n{"content_type":"a","payload":\r\n2\r\n1}\r\n0\r\n\r\n';
  const last = `${HEAD}Connection: close\r\n\r\n`;
  const ahead = put(1) + `${HEAD}\r\n` + put(2) + last;
  // Cut in the middle of a chunk: a part of a request is none.
  await write(connection, encoder.encode(ahead.slice(0, 190)));
  await settle();
  await write(connection, encoder.encode(ahead.slice(190)));
  const answers = await rest(connection);
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), [
    "HTTP/1.1 200",
    "HTTP/1.1 200",
    "HTTP/1.1 200",
    "HTTP/1.1 200",
  ]);
  assert.match(answers, /"key":"k1"[^]*"key":"k2"/);
});

Deno.test("answers without a body leave the connection ready for the next request", async () => {
  await using api = await start();
  using connection = await dial(api.api.httpPort!);
  const target = "/v1/state/report/gone";
  const body = '{"content_type":"a","payload":1}';
  await send(connection, target, { method: "PUT", body, headers: bearer });
  const put = await receive(connection);
  assert.equal(put?.status, 200);
  await send(connection, target, { method: "HEAD", headers: bearer });
  assert.equal((await receive(connection, "HEAD"))?.status, 200);
  await send(connection, target, { headers: bearer });
  const etag = (await receive(connection))!.headers.get("etag")!;
  await send(connection, target, {
    headers: { ...bearer, "If-None-Match": etag },
  });
  assert.equal((await receive(connection))?.status, 304);
  await send(connection, target, { method: "DELETE", headers: bearer });
  assert.equal((await receive(connection))?.status, 204);
  await send(connection, target, { headers: bearer });
  assert.equal((await receive(connection))?.status, 404);
});

Deno.test("a client that asks first is told to go on, then gets its answer", async () => {
  await using api = await start();
  using connection = await dial(api.api.httpPort!);
  const body = '{"content_type":"a","payload":1}';
  await write(
    connection,
    encoder.encode(
      "PUT /v1/state/report/k HTTP/1.1\r\nHost: localhost\r\n" +
        "Authorization: Bearer t0ken\r\nExpect: 100-continue\r\n" +
        `Content-Length: ${body.length}\r\n\r\n`,
    ),
  );
  assert.equal((await receive(connection))?.status, 100);
  await write(connection, encoder.encode(body));
  assert.equal((await receive(connection))?.status, 200);
});

Deno.test("a body beyond the limit is answered 413 while the client still sends it", async () => {
  await using api = await start();
  const body = new Uint8Array(4 << 20);
  const answer = await call(api.api.httpPort!, "/v1/state/report/k", {
    method: "PUT",
    headers: bearer,
    body,
  });
  assert.equal(answer.status, 413);
});

Deno.test("what is not HTTP/1.1 to the letter never comes through", async () => {
  await using api = await start();
  const tricks: readonly [request: string, status: number][] = [
    [`${HEAD}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`, 400],
    [`${HEAD}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    [HEAD.replace(" /", " http://localhost/") + "\r\n", 400],
    [`${HEAD}X: ${"a".repeat(17_000)}\r\n\r\n`, 431],
    [`${HEAD}${"X: 1\r\n".repeat(100)}\r\n`, 431],
    [HEAD.replace("metadata", "a".repeat(5_000)) + "\r\n", 414],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    [
      HEAD.replace("GET", "PUT") + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      400,
    ],
  ];
  for (const [request, status] of tricks) {
    using connection = await dial(api.api.httpPort!);
    // A second request behind it must not be answered.
    await write(connection, encoder.encode(`${request}${HEAD}\r\n`));
    const answer = await rest(connection);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), request);
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, request);
    assert.match(answer, /connection: close/);
    assert.match(answer, /\r\n\r\n\{"error":"[a-zA-Z0-9. ]+"\}\n$/);
  }
});

Deno.test("a connection that sends no head in time, or half of one, gets 408 and is closed", async () => {
  await using api = await start({ headerTimeoutMs: 4_000 });
  for (const begin of ["", "G", HEAD]) {
    using connection = await dial(api.api.httpPort!);
    await write(connection, encoder.encode(begin));
    assert.equal(
      (await call(api.api.httpPort!, "/v1/state", {
        headers: bearer,
      })).status,
      200,
    );
    const began = api.clock.elapsed();
    const answer = await passTime(api, rest(connection));
    assert.match(answer, /^HTTP\/1\.1 408 /);
    const took = api.clock.elapsed() - began;
    assert.ok(took >= 4_000 - SWEEP_MS && took < 30_000, `${took} ms`);
  }
});

Deno.test("one byte at a time does not move the deadline of a head", async () => {
  await using api = await start({ headerTimeoutMs: 4_000 });
  using connection = await dial(api.api.httpPort!);
  const answer = rest(connection);
  let isOver = false;
  answer.finally(() => isOver = true);
  let sent = 0;
  await eventually("the end of patience", async () => {
    await connection.write(encoder.encode(HEAD[sent % HEAD.length]))
      .then(() => sent++).catch(() => {});
    await api.clock.advance(1_000);
    return isOver || undefined;
  });
  assert.match(await answer, /^HTTP\/1\.1 408 /);
});

Deno.test("a connection that is silent after its answer is closed without a word", async () => {
  await using api = await start({
    headerTimeoutMs: 1_000,
    idleTimeoutMs: 7_000,
  });
  using connection = await dial(api.api.httpPort!);
  await write(connection, encoder.encode(`${HEAD}\r\n`));
  assert.equal((await receive(connection))?.status, 200);
  const began = api.clock.elapsed();
  assert.equal(await passTime(api, rest(connection)), "");
  assert.ok(api.clock.elapsed() - began >= 7_000);
});

Deno.test("a body that does not come in time is answered 408", async () => {
  await using api = await start();
  for (const body of ["", '{"content_type"']) {
    using connection = await dial(api.api.httpPort!);
    const head = HEAD.replace("GET", "PUT").replace("metadata", "report/k");
    await write(
      connection,
      encoder.encode(`${head}Content-Length: 40\r\n\r\n${body}`),
    );
    await settle(100);
    const began = api.clock.elapsed();
    const answer = await passTime(api, rest(connection));
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.ok(api.clock.elapsed() - began >= BODY_TIMEOUT_MS);
  }
});

Deno.test("an open stream outlives every deadline while its client reads", async () => {
  const sources = new FakeSources();
  const limits = { headerTimeoutMs: 1_000, idleTimeoutMs: 1_000 };
  await using api = await start(limits, sources);
  using connection = await dial(api.api.httpPort!);
  const head = HEAD.replace("/v1/state/metadata", "/v1/watch");
  await write(connection, encoder.encode(`${head}\r\n`));
  assert.equal((await receive(connection))?.status, 200);
  let heard = 0;
  const buffer = new Uint8Array(4_096);
  const reading = (async () => {
    for (;;) {
      const size = await connection.read(buffer).catch(() => null);
      if (size === null) return;
      heard += size;
    }
  })();
  await eventually("heartbeats for ten minutes", async () => {
    await sources.clock.advance(15_000);
    await api.clock.advance(15_000);
    return api.clock.elapsed() > 600_000 && heard > 100 || undefined;
  });
  api.stop();
  await api.stopped;
  await reading;
});

Deno.test("a connection above the cap takes the place of one that only waits, and gets 503 when none does", async () => {
  const sources = new FakeSources();
  await using api = await startApi(sources, (folder) => ({
    ...httpSettings(folder, "t0ken"),
    maxConnections: 3,
  }));
  const port = api.api.httpPort!;
  const streams: Deno.Conn[] = [];
  try {
    const silent = await dial(port);
    streams.push(silent);
    // The cap counts what was accepted: an answer proves that.
    const watch = HEAD.replace("/v1/state/metadata", "/v1/watch");
    const open = async () => {
      const connection = await dial(port);
      streams.push(connection);
      await write(connection, encoder.encode(`${watch}\r\n`));
      return (await receive(connection))?.status;
    };
    assert.equal(await open(), 200);
    assert.equal(await open(), 200);
    // It has just begun to wait.
    assert.equal(await open(), 503);
    await api.clock.advance(PATIENCE_MS);
    assert.equal(await open(), 200);
    assert.match(await rest(silent), /^HTTP\/1\.1 503 /);
    await api.clock.advance(PATIENCE_MS);
    assert.equal(await open(), 503);
    // A place that is free again is given away again.
    streams[1]!.close();
    streams.splice(1, 1);
    await eventually("a free place", async () => {
      await sources.clock.advance(15_000);
      return await open() === 200 || undefined;
    });
  } finally {
    for (const stream of streams) stream.close();
  }
});

Deno.test("a stop lets an answer be finished and leaves no socket behind", async () => {
  const sources = new FakeSources();
  await using api = await start({}, sources);
  using waiting = await dial(api.api.httpPort!);
  const answer = await call(api.api.httpPort!, "/v1/state", {
    headers: bearer,
  });
  assert.equal(answer.status, 200);
  api.stop();
  await api.stopped;
  assert.equal(await rest(waiting), "");
  const left = [...Deno.readDirSync(api.folder)].map(({ name }) => name);
  assert.deepEqual(left, ["token"]);
});

Deno.test("the server behind the guard can be reached by this user only", async () => {
  await using api = await start();
  const inner = [...Deno.readDirSync(api.folder)]
    .map(({ name }) => name).filter((name) => name.startsWith("."));
  assert.equal(inner.length, 1);
  const { mode } = Deno.lstatSync(`${api.folder}/${inner[0]}`);
  assert.equal(mode! & 0o077, 0);
});

Deno.test("a client that never reads loses its place when it takes nothing for long", async () => {
  await using api = await startApi(new FakeSources(), (folder) => ({
    ...httpSettings(folder, "t0ken"),
    maxConnections: 1,
  }));
  const port = api.api.httpPort!;
  const other = async () =>
    (await call(port, "/v1/state", { headers: bearer })).status;
  using connection = await dial(port);
  await write(connection, encoder.encode(`${HEAD}\r\n`));
  assert.equal((await receive(connection))?.status, 200);
  assert.equal(await other(), 503);
  // Answers pile up in the buffers of the kernel until they are full.
  const many = encoder.encode(`${HEAD}\r\n`.repeat(500));
  const flood = (async () => {
    for (;;) await write(connection, many);
  })().catch(() => {});
  await eventually("a free place", async () => {
    await api.clock.advance(WRITE_TIMEOUT_MS / 20);
    return await other() === 200 || undefined;
  });
  // Deno 2.7 holds the connection itself until the client takes something.
  if (/^2\.[0-7]\./.test(Deno.version.deno)) await rest(connection);
  await flood;
});
