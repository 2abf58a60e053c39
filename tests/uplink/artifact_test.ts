import assert from "node:assert/strict";
import {
  DigestMismatchError,
  type DownloadOptions,
} from "../../src/uplink/artifact.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import {
  CountedAbort,
  failureFrom,
  RawServer,
  TestServer,
  until,
} from "./serve.ts";

const name = { version: "1.2.0+x", os: "linux", arch: "amd64" };
const bytes = new Uint8Array(300_000).map((_, at) => at % 251);

async function sumOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A sink that remembers what became of it. */
class Sink {
  readonly chunks: Uint8Array[] = [];
  outcome: "open" | "complete" | "aborted" = "open";
  reason: unknown;
  /** Awaited by each write. */
  hold: Promise<void> = Promise.resolve();
  readonly stream = new WritableStream<Uint8Array>({
    write: async (chunk) => {
      await this.hold;
      this.chunks.push(chunk);
    },
    close: () => void (this.outcome = "complete"),
    abort: (reason) => {
      this.outcome = "aborted";
      this.reason = reason;
    },
  });

  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

function fixture(url: string, options: DownloadOptions = {}) {
  const clock = new FakeClock();
  const client = new ControlClient({
    baseUrl: url,
    version: "1",
    clock,
    log: new MemoryLog(),
  });
  client.setAuthToken("token");
  const sink = new Sink();
  const stop = new CountedAbort();
  const fetch = () =>
    client.fetchArtifact(name, sink.stream, options, stop.signal);
  return { clock, sink, stop, fetch };
}

Deno.test("fetchArtifact() streams a release to the sink and tells its sum", async () => {
  await using server = new TestServer(() => new Response(bytes));
  const sha256 = (await sumOf(bytes)).toUpperCase();
  const { sink, stop, clock, fetch } = fixture(server.url, { sha256 });
  assert.deepEqual(await fetch(), {
    bytes: bytes.length,
    sha256: sha256.toLowerCase(),
  });
  assert.equal(sink.outcome, "complete");
  assert.equal(sink.length, bytes.length);
  const [seen] = server.seen;
  assert.equal(seen?.path, "/v1/artifacts/plexd/1.2.0%2Bx/linux/amd64");
  assert.equal(seen?.headers.get("authorization"), "Bearer token");
  assert.equal(seen?.headers.get("accept-encoding"), "identity");
  assert.deepEqual(clock.sleeping, []);
  assert.equal(stop.listeners, 0);
});

Deno.test("fetchArtifact() does not complete the sink with other bytes than wanted", async () => {
  await using server = new TestServer(() => new Response(bytes));
  const sha256 = "0".repeat(64);
  const { sink, fetch } = fixture(server.url, { sha256 });
  const error = await failureFrom(fetch());
  assert.ok(error instanceof DigestMismatchError);
  assert.equal(error.expected, sha256);
  assert.equal(error.actual, await sumOf(bytes));
  assert.equal(sink.outcome, "aborted");
  assert.equal(sink.reason, error);
});

for (const status of [301, 404, 500]) {
  Deno.test(`fetchArtifact() aborts the sink when it is answered ${status}`, async () => {
    await using server = new TestServer(() => new Response("", { status }));
    const { sink, fetch } = fixture(server.url);
    const error = await failureFrom(fetch());
    assert.ok(error instanceof ControlError);
    assert.equal(error.status, status);
    assert.equal(sink.outcome, "aborted");
  });
}

Deno.test("fetchArtifact() takes no more than the limit, and reads no further", async () => {
  let cancelled = false;
  await using server = new TestServer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(bytes),
        cancel: () => void (cancelled = true),
      }),
    )
  );
  const { sink, fetch } = fixture(server.url, { maxBytes: 1_000_000 });
  const error = await failureFrom(fetch());
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "bad_answer");
  assert.ok(sink.length <= 1_000_000);
  assert.equal(sink.outcome, "aborted");
  await until("the server's stream is cancelled", () => cancelled);
});

Deno.test("fetchArtifact() reads no faster than the sink takes", async () => {
  let sent = 0;
  await using server = new TestServer(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += bytes.length;
          controller.enqueue(bytes);
          if (sent > 200_000_000) controller.close();
        },
      }),
    )
  );
  const { sink, stop, fetch } = fixture(server.url);
  const gate = Promise.withResolvers<void>();
  sink.hold = gate.promise;
  const work = failureFrom(fetch());
  await until("the server sends", () => sent > 0);
  let before = -1;
  await until("the server is held back", () => {
    const still = sent === before;
    before = sent;
    return still && sent > 1_000_000;
  });
  assert.ok(sent < 50_000_000, `${sent} bytes were sent`);
  const reason = new Error("enough");
  stop.abort(reason);
  gate.resolve();
  assert.equal(await work, reason);
});

const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
const silent = [
  { what: "before the answer", answer: "", ms: 10_000, timers: 3 },
  { what: "within the body", answer: head + "some", ms: 30_000, timers: 2 },
];
for (const { what, answer, ms, timers } of silent) {
  Deno.test(`fetchArtifact() gives up after silence ${what}`, async () => {
    await using server = new RawServer(answer, true);
    const { clock, sink, stop, fetch } = fixture(server.url);
    const work = failureFrom(fetch());
    await until(
      "it waits",
      () =>
        clock.sleeping.length === timers &&
        sink.length === (answer ? 4 : 0),
    );
    await clock.advance(ms);
    const error = await work;
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "timeout");
    assert.equal(sink.outcome, "aborted");
    await until("the connection is let go of", () => server.left === 1);
    assert.deepEqual(clock.sleeping, []);
    assert.equal(stop.listeners, 0);
  });

  Deno.test(`fetchArtifact() ends with the caller's reason ${what}`, async () => {
    await using server = new RawServer(answer, true);
    const { clock, sink, stop, fetch } = fixture(server.url);
    const work = failureFrom(fetch());
    await until(
      "it waits",
      () =>
        clock.sleeping.length === timers &&
        sink.length === (answer ? 4 : 0),
    );
    const reason = new Error("enough");
    stop.abort(reason);
    assert.equal(await work, reason);
    assert.equal(sink.outcome, "aborted");
    await until("the connection is let go of", () => server.left === 1);
    assert.deepEqual(clock.sleeping, []);
    assert.equal(stop.listeners, 0);
  });
}

Deno.test("fetchArtifact() gives up when all of it takes too long, though bytes come", async () => {
  let more = () => {};
  await using server = new TestServer(() =>
    new Response(
      new ReadableStream({
        start: (controller) => more = () => controller.enqueue(bytes),
      }),
    )
  );
  const { clock, sink, fetch } = fixture(server.url, {
    wholeTimeoutMs: 50_000,
  });
  const work = failureFrom(fetch());
  await until("the server answers", () => server.seen.length === 1);
  for (let turn = 1; turn <= 2; turn++) {
    more();
    await until("it has come", () => sink.length === turn * bytes.length);
    await clock.advance(20_000);
  }
  more();
  await until("it has come", () => sink.length === 3 * bytes.length);
  await clock.advance(10_000);
  const error = await work;
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "timeout");
  assert.match(error.message, /more than 50000 ms/);
});

Deno.test("fetchArtifact() calls a body that breaks off unreachable", async () => {
  await using server = new RawServer(head + "some");
  const { sink, fetch } = fixture(server.url);
  const error = await failureFrom(fetch());
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "unreachable");
  assert.equal(sink.outcome, "aborted");
});

Deno.test("fetchArtifact() ends with what the sink throws", async () => {
  await using server = new TestServer(() => new Response(bytes));
  const { sink, fetch } = fixture(server.url);
  const full = new Error("disk full");
  sink.hold = Promise.reject(full);
  sink.hold.catch(() => {});
  assert.equal(await failureFrom(fetch()), full);
});
