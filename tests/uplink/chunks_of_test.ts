import assert from "node:assert/strict";
import { chunksOf } from "../../src/uplink/chunks_of.ts";
import { CountedAbort, failureFrom } from "./serve.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A body that nobody but its reader can end, as one whose signal got lost. */
class Body {
  cancelledFor: unknown;
  #controller!: ReadableStreamDefaultController<Bytes>;
  readonly stream = new ReadableStream<Bytes>({
    start: (controller) => void (this.#controller = controller),
    cancel: (reason) => void (this.cancelledFor = reason ?? "nothing"),
  });

  send(byte: number) {
    this.#controller.enqueue(new Uint8Array([byte]));
  }

  close() {
    this.#controller.close();
  }

  fail(error: unknown) {
    this.#controller.error(error);
  }
}

async function all(chunks: AsyncIterable<Bytes>, into: number[] = []) {
  for await (const chunk of chunks) into.push(...chunk);
  return into;
}

Deno.test("chunksOf() gives what a body holds, and leaves nothing behind", async () => {
  const body = new Body();
  const stop = new CountedAbort();
  body.send(1);
  body.send(2);
  body.close();
  assert.deepEqual(await all(chunksOf(body.stream, stop.signal)), [1, 2]);
  assert.equal(stop.listeners, 0);
  assert.equal(body.cancelledFor, undefined);
});

Deno.test("chunksOf() ends by its signal though the body does not heed it", async () => {
  const body = new Body();
  const stop = new CountedAbort();
  const reason = new Error("late");
  const seen: number[] = [];
  const reading = failureFrom(all(chunksOf(body.stream, stop.signal), seen));
  body.send(1);
  await Promise.resolve();
  stop.abort(reason);
  assert.equal(await reading, reason);
  assert.equal(body.cancelledFor, reason);
  assert.equal(stop.listeners, 0);
});

Deno.test("chunksOf() reads nothing once its signal has aborted", async () => {
  const body = new Body();
  const reason = new Error("late");
  body.send(1);
  const reading = all(chunksOf(body.stream, AbortSignal.abort(reason)));
  assert.equal(await failureFrom(reading), reason);
  assert.equal(body.cancelledFor, "nothing");
});

Deno.test("chunksOf() throws why the body broke off", async () => {
  const body = new Body();
  const stop = new CountedAbort();
  const cause = new Error("reset");
  const reading = failureFrom(all(chunksOf(body.stream, stop.signal)));
  body.fail(cause);
  assert.equal(await reading, cause);
  assert.equal(stop.listeners, 0);
});

Deno.test("chunksOf() frees the connection when its reader has enough", async () => {
  const body = new Body();
  const stop = new CountedAbort();
  body.send(1);
  body.send(2);
  for await (const chunk of chunksOf(body.stream, stop.signal)) {
    assert.deepEqual([...chunk], [1]);
    break;
  }
  assert.equal(body.cancelledFor, "nothing");
  assert.equal(stop.listeners, 0);
});
