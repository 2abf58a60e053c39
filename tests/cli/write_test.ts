import assert from "node:assert/strict";
import { type Sink, writeAll } from "../../src/cli/write.ts";

/** A pipe that takes a few bytes at a time, and throws what it is told to. */
class Pipe implements Sink {
  text = "";
  readonly errors: (Error | undefined)[];

  constructor(...errors: (Error | undefined)[]) {
    this.errors = errors;
  }

  writeSync(bytes: Uint8Array): number {
    const error = this.errors.shift();
    if (error) throw error;
    const taken = bytes.subarray(0, 3);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

Deno.test("writeAll() writes all, and waits where a pipe is full", () => {
  const full = new Deno.errors.WouldBlock("full");
  const pipe = new Pipe(full, undefined, full, full);
  const waits: number[] = [];
  assert.equal(writeAll(pipe, "a whole line\n", (ms) => waits.push(ms)), true);
  assert.equal(pipe.text, "a whole line\n");
  assert.deepEqual(waits, [10, 10, 10]);
});

Deno.test("writeAll() says that nobody reads any more, also of a pipe that was full", () => {
  const pipe = new Pipe(
    undefined,
    new Deno.errors.WouldBlock("full"),
    new Deno.errors.BrokenPipe("gone"),
  );
  assert.equal(writeAll(pipe, "a whole line\n", () => {}), false);
  assert.equal(pipe.text, "a w");
});

Deno.test("writeAll() throws what else goes wrong", () => {
  const broken = new Error("the disk is full");
  assert.throws(() => writeAll(new Pipe(broken), "a", () => {}), broken);
});
