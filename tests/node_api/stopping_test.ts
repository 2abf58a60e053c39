import assert from "node:assert/strict";
import { settle } from "../fakes/fake_clock.ts";
import { FakeSources } from "./fake_sources.ts";
import { call, dial, receive, send, write } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

const target = "/v1/state/report/health";
const good = '{"content_type":"text/plain","payload":1}';
const encoder = new TextEncoder();

Deno.test("NodeApi.run() ends at once when nothing is under way, and takes its sockets away", async () => {
  await using running = await startApi(
    undefined,
    (folder) => httpSettings(folder, "t0ken"),
  );
  using idle = await dial(running.socket);
  await send(idle, "/v1/state");
  await receive(idle);
  running.stop();
  await running.stopped;
  const left = [...Deno.readDirSync(running.folder)].map((file) => file.name);
  assert.deepEqual(left, ["token"]);
  await assert.rejects(
    dial(running.api.httpPort!),
    Deno.errors.ConnectionRefused,
  );
  assert.deepEqual(running.clock.sleeping, []);
});

Deno.test("NodeApi.run() lets a write that is under way finish and be answered", async () => {
  const sources = new FakeSources();
  const gate = Promise.withResolvers<void>();
  const writing = Promise.withResolvers<void>();
  sources.reports.gate = gate.promise;
  const { put } = sources.reports;
  sources.reports.put = (...args) => {
    writing.resolve();
    return put.apply(sources.reports, args);
  };
  await using running = await startApi(sources);
  using connection = await dial(running.socket);
  await send(connection, target, { method: "PUT", body: good });
  await writing.promise;
  running.stop();
  await settle();
  gate.resolve();
  const answer = await receive(connection);
  assert.equal(answer?.status, 200);
  assert.equal(answer?.headers.get("connection"), "close");
  await running.stopped;
  assert.equal(running.log.lines.some((line) => line.level === "warn"), false);
});

Deno.test("NodeApi.run() waits for a secret no longer than the shutdown timeout", async () => {
  const sources = new FakeSources();
  sources.secrets.hangs = true;
  await using running = await startApi(
    sources,
    () => ({ shutdownTimeoutMs: 2_000 }),
  );
  using connection = await dial(running.secretsSocket);
  await send(connection, "/v1/state/secrets/a");
  while (sources.secrets.asked.length === 0) await settle(1);
  running.stop();
  let ended = false;
  running.stopped.then(() => ended = true);
  await running.clock.advance(1_999);
  assert.equal(ended, false);
  await running.clock.advance(1);
  await running.stopped;
  assert.match(running.log.text, /Requests were cut off by the stop/);
});

const halves: readonly [what: string, text: string, waits: boolean][] = [
  ["nothing", "", false],
  ["half a request line", "GET /v1/st", false],
  ["half a header", "GET /v1/state HTTP/1.1\r\nHost: a\r\nX", false],
  [
    "half a body",
    `PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{`,
    true,
  ],
];

for (const [what, text, waits] of halves) {
  Deno.test(`NodeApi.run() ends although a peer has sent ${what} and hangs on`, async () => {
    const sources = new FakeSources();
    await using running = await startApi(sources);
    using connection = await dial(running.socket);
    if (text) await write(connection, encoder.encode(text));
    // Another connection's answer shows that the first has been accepted.
    await call(running.socket, "/v1/state");
    await settle();
    running.stop();
    await settle();
    if (waits) await running.clock.advance(5_000);
    await running.stopped;
    assert.equal(await receive(connection), undefined);
    assert.equal(sources.reports.view.entries.size, 0);
  });
}

Deno.test("NodeApi.run() does not take away a successor's socket", async () => {
  await using first = await startApi();
  await Deno.remove(first.socket);
  await using second = await startApi(
    undefined,
    () => ({ socketPath: first.socket }),
  );
  first.stop();
  await first.stopped;
  assert.equal((await call(first.socket, "/v1/state")).status, 200);
  second.stop();
  await second.stopped;
  await assert.rejects(Deno.lstat(first.socket), Deno.errors.NotFound);
});

Deno.test("NodeApi refuses a shutdown timeout that is not above 0", async () => {
  for (const shutdownTimeoutMs of [0, -1, NaN]) {
    await assert.rejects(
      startApi(undefined, () => ({ shutdownTimeoutMs })),
      RangeError,
    );
  }
});
