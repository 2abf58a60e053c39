import assert from "node:assert/strict";
import { BoundedOutput } from "../../src/actions/bounded_output.ts";

function outputOf(limit: number, chunks: readonly string[]): string {
  const output = new BoundedOutput(limit);
  for (const chunk of chunks) output.add(new TextEncoder().encode(chunk));
  return output.text();
}

Deno.test("BoundedOutput keeps what fits", () => {
  assert.equal(outputOf(6, ["abc", "", "def"]), "abcdef");
  assert.equal(outputOf(6, []), "");
});

Deno.test("BoundedOutput cuts and counts the rest, and no character in two", () => {
  const note = (count: number) =>
    `\n[plexd: ${count} more bytes were left out]\n`;
  assert.equal(outputOf(4, ["abc", "def", "g"]), `abcd${note(3)}`);
  assert.equal(outputOf(4, ["abc\u20ac"]), `abc${note(2)}`);
});

Deno.test("BoundedOutput puts characters together that came in pieces", () => {
  const output = new BoundedOutput(10);
  for (const byte of new TextEncoder().encode("\u20ac")) {
    output.add(Uint8Array.of(byte));
  }
  output.add(Uint8Array.of(0xff));
  assert.equal(output.text(), "\u20ac\ufffd");
});
