import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { EventStream } from "../../src/uplink/event_stream.ts";
import type { CarriedMessage } from "../../src/uplink/message_sink.ts";
import { evalWithGc } from "../eval_with_gc.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { nodeOf } from "./node_of.ts";
import {
  CountedAbort,
  failureFrom,
  RawServer,
  TestServer,
  until,
} from "./serve.ts";

/** A server whose stream the test writes by hand. */
class StreamServer extends TestServer {
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  cancelled = false;

  constructor() {
    super(() =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (controller) => void (this.#controller = controller),
          cancel: () => void (this.cancelled = true),
        }),
        { headers: { "content-type": "text/event-stream" } },
      )
    );
  }

  async send(text: string): Promise<void> {
    await until("the stream is open", () => this.#controller !== undefined);
    this.#controller?.enqueue(new TextEncoder().encode(text));
  }

  async end(): Promise<void> {
    await until("the stream is open", () => this.#controller !== undefined);
    this.#controller?.close();
  }
}

class Fixture {
  readonly clock = new FakeClock();
  readonly messages: CarriedMessage[] = [];
  readonly stop = new CountedAbort();
  maxEventBytes = 1_000;
  skipped = 0;
  retryMs = 0;
  accept = (message: CarriedMessage) => {
    this.messages.push(message);
    return Promise.resolve();
  };

  async open(url: string): Promise<EventStream> {
    const client = new ControlClient({
      baseUrl: url,
      version: "1",
      clock: this.clock,
      log: new MemoryLog(),
    });
    return await EventStream.open(
      {
        open: (id, signal) => nodeOf(client).openEvents(id, signal),
        sink: { accept: (message) => this.accept(message) },
        clock: this.clock,
        idleTimeoutMs: 90_000,
        maxEventBytes: this.maxEventBytes,
        onRetry: (ms) => this.retryMs = ms,
        onSkipped: () => this.skipped++,
      },
      "41",
      this.stop.signal,
    );
  }
}

Deno.test("EventStream hands every message to the sink, in order, until the server ends it", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const opening = fixture.open(server.url);
  await server.send("retry: 7\nid: 42\nevent: x\ndata: a\n\ndata: b");
  await server.send(`\n\ndata: ${"x".repeat(2_000)}\n\nid: 43\ndata: c\n\n`);
  await server.end();
  await (await opening).read();
  assert.equal(server.seen[0]?.headers.get("last-event-id"), "41");
  assert.deepEqual(fixture.messages, [
    { id: "42", event: "x", data: "a" },
    { id: "42", event: "message", data: "b" },
    { id: "43", event: "message", data: "c" },
  ]);
  assert.equal(fixture.skipped, 1);
  assert.equal(fixture.retryMs, 7);
  assert.deepEqual(fixture.clock.sleeping, []);
  assert.equal(fixture.stop.listeners, 0);
});

Deno.test("EventStream names no place that it could not ask to go on from", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  fixture.maxEventBytes = 10_000;
  const opening = fixture.open(server.url);
  const ids = ["42", "x".repeat(4_096), "é".repeat(2_049), "a\tb", " a", "é"];
  for (const id of ids) {
    await server.send(`id: ${id}\ndata: a\n\n`);
  }
  await server.end();
  await (await opening).read();
  assert.deepEqual(
    fixture.messages.map(({ id }) => id),
    ["42", "x".repeat(4_096), "", "", "", "é"],
  );
});

Deno.test("EventStream gives the sink one message at a time", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const releases: (() => void)[] = [];
  fixture.accept = () => new Promise((resolve) => releases.push(resolve));
  const opening = fixture.open(server.url);
  await server.send("data: a\n\ndata: b\n\n");
  await server.end();
  const reading = (await opening).read();
  await until("the first message is there", () => releases.length === 1);
  await fixture.clock.advance(0);
  assert.equal(releases.length, 1);
  releases[0]?.();
  await until("the second message is there", () => releases.length === 2);
  releases[1]?.();
  await reading;
});

Deno.test("EventStream ends after 90 s of silence, and comments break the silence", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const opening = fixture.open(server.url);
  await server.send("data: a\n\n");
  const reading = failureFrom((await opening).read());
  await until("the message is there", () => fixture.messages.length === 1);
  await fixture.clock.advance(80_000);
  await server.send(":keep-alive\n\ndata: b\n\n");
  await until("the message is there", () => fixture.messages.length === 2);
  await fixture.clock.advance(89_999);
  assert.equal(server.cancelled, false);
  await fixture.clock.advance(1);
  const error = await reading;
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "timeout");
  await until("the connection is gone", () => server.cancelled);
  assert.deepEqual(fixture.clock.sleeping, []);
});

Deno.test("EventStream notices a connection whose other end is gone without a word", async () => {
  // Half an event, then nothing: no end, no reset, and nobody to answer.
  await using server = new RawServer(
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
      "transfer-encoding: chunked\r\n\r\n" +
      "9\r\ndata: a\n\n\r\n7\r\ndata: b\r\n",
    true,
  );
  const fixture = new Fixture();
  const stream = await fixture.open(server.url);
  const reading = failureFrom(stream.read());
  await until("the message is there", () => fixture.messages.length === 1);
  await settle();
  await fixture.clock.advance(89_999);
  assert.deepEqual(fixture.clock.sleeping, [1]);
  await fixture.clock.advance(1);
  const error = await reading;
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "timeout");
  assert.deepEqual(fixture.messages.map(({ data }) => data), ["a"]);
  assert.deepEqual(fixture.clock.sleeping, []);
});

Deno.test("EventStream takes every single byte for a sign of life", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const { clock } = fixture;
  const elapsed = clock.elapsed.bind(clock);
  let looks = 0;
  clock.elapsed = () => {
    looks++;
    return elapsed();
  };
  const opening = fixture.open(server.url);
  await server.send(":");
  const reading = (await opening).read();
  for (const byte of "\ndata: slow\n\n:") {
    await clock.advance(80_000);
    const before = looks;
    await server.send(byte);
    await until("the next byte is waited for", () => looks > before);
  }
  await until("the message is there", () => fixture.messages.length === 1);
  await server.end();
  await reading;
});

Deno.test("EventStream does not take a slow sink for silence", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  let release = () => {};
  let accepting = false;
  fixture.accept = () => {
    accepting = true;
    return new Promise((resolve) => release = resolve);
  };
  const opening = fixture.open(server.url);
  await server.send("data: a\n\n");
  const reading = (await opening).read();
  await until("the sink works", () => accepting);
  await fixture.clock.advance(600_000);
  release();
  await server.end();
  await reading;
});

Deno.test("EventStream ends with what the sink throws, and frees the connection", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const full = new Error("disk full");
  fixture.accept = () => Promise.reject(full);
  const opening = fixture.open(server.url);
  await server.send("data: a\n\n");
  assert.equal(await failureFrom((await opening).read()), full);
  await until("the connection is gone", () => server.cancelled);
  assert.deepEqual(fixture.clock.sleeping, []);
});

Deno.test("EventStream ends with the caller's reason, and frees the connection", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const opening = fixture.open(server.url);
  await server.send("data: a\n\n");
  const reading = failureFrom((await opening).read());
  await until("the message is there", () => fixture.messages.length === 1);
  const reason = new Error("enough");
  fixture.stop.abort(reason);
  assert.equal(await reading, reason);
  await until("the connection is gone", () => server.cancelled);
  assert.deepEqual(fixture.clock.sleeping, []);
});

Deno.test("EventStream hands over nothing after its signal has aborted", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const reason = new Error("enough");
  fixture.accept = (message) => {
    fixture.messages.push(message);
    fixture.stop.abort(reason);
    return Promise.resolve();
  };
  const opening = fixture.open(server.url);
  await server.send("data: a\n\ndata: b\n\n");
  assert.equal(await failureFrom((await opening).read()), reason);
  assert.equal(fixture.messages.length, 1);
});

Deno.test("EventStream ends at once when its signal aborted before it was read", async () => {
  await using server = new StreamServer();
  const fixture = new Fixture();
  const opening = fixture.open(server.url);
  await server.send(":\n");
  const stream = await opening;
  const reason = new Error("enough");
  fixture.stop.abort(reason);
  assert.equal(await failureFrom(stream.read()), reason);
});

Deno.test("EventStream calls a connection that is cut inside a chunk unreachable", async () => {
  await using server = new RawServer(
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
      "transfer-encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\nff\r\ndata: b",
  );
  const fixture = new Fixture();
  const stream = await fixture.open(server.url);
  const error = await failureFrom(stream.read());
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "unreachable");
  assert.deepEqual(fixture.messages.map(({ data }) => data), ["a"]);
});

Deno.test("EventStream.open() throws what the server's refusal stands for", async () => {
  await using server = new TestServer(() => new Response("", { status: 403 }));
  const fixture = new Fixture();
  const error = await failureFrom(fixture.open(server.url));
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "forbidden");
  assert.equal(fixture.stop.listeners, 0);
});

Deno.test("EventStream ends by its signal even when what opened it does not heed it", async () => {
  for (const before of [true, false]) {
    const stop = new AbortController();
    let cancelled = false;
    const stream = await EventStream.open(
      {
        open: () =>
          Promise.resolve(
            new ReadableStream({ cancel: () => void (cancelled = true) }),
          ),
        sink: { accept: () => Promise.resolve() },
        clock: new FakeClock(),
        idleTimeoutMs: 90_000,
        maxEventBytes: 1_000,
        onRetry: () => {},
        onSkipped: () => {},
      },
      undefined,
      stop.signal,
    );
    const reason = new Error("enough");
    if (before) stop.abort(reason);
    const reading = failureFrom(stream.read());
    stop.abort(reason);
    assert.equal(await reading, reason);
    assert.ok(cancelled);
  }
});

Deno.test("EventStream holds nothing of what has come while it waits for more", async () => {
  const program = `
    import { EventStream } from "./src/uplink/event_stream.ts";
    const MiB = 1 << 20;
    const held = () => {
      gc();
      return Deno.memoryUsage().heapUsed;
    };
    let source;
    const body = new ReadableStream({ start: (own) => source = own });
    const arrived = Promise.withResolvers();
    const stop = new AbortController();
    const stream = await EventStream.open({
      open: () => Promise.resolve(body),
      sink: { accept: () => Promise.resolve(arrived.resolve()) },
      clock: {
        elapsed: () => 0,
        sleep: (_ms, signal) =>
          new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          ),
      },
      idleTimeoutMs: 1,
      maxEventBytes: 64 * MiB,
      onRetry() {},
      onSkipped() {},
    }, undefined, stop.signal);
    const read = stream.read().catch(() => {});
    const before = held();
    const send = () => source.enqueue(new TextEncoder().encode(
      "data: " + "x".repeat(16 * MiB) + "\\n\\n",
    ));
    send();
    await arrived.promise;
    for (let turn = 0; turn < 3; turn++) await new Promise((go) => setTimeout(go));
    const after = held();
    stop.abort();
    await read;
    console.log(Math.round((after - before) / MiB));
  `;
  const printed = await evalWithGc(program);
  assert.ok(Number(printed) < 4, printed);
});
