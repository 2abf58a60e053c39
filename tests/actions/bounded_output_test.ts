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

Deno.test("BoundedOutput keeps what comes in any pieces as if it came at once", () => {
  const text = "0123456789".repeat(2_000);
  const note = `\n[plexd: 1 more bytes were left out]\n`;
  for (const size of [1, 7, 4_095, 4_096, 4_097, 20_000]) {
    const output = new BoundedOutput(text.length - 1);
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.slice(at, at + size);
      output.add(chunk);
      // Whoever reads may use the same memory for what comes next.
      chunk.fill(0);
    }
    assert.equal(output.text(), text.slice(0, -1) + note, `pieces of ${size}`);
  }
});
