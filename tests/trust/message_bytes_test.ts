import assert from "node:assert/strict";
import { withMessageBytes } from "../../src/trust/message_bytes.ts";

/** As many UTF-16 code units as certainly fit into the memory that is used again. */
const FITS = 16 * 1024;

const texts = [
  "",
  "a".repeat(FITS),
  "a".repeat(FITS + 1),
  "€".repeat(FITS),
  "€".repeat(FITS + 1),
  "😀".repeat(FITS / 2),
  "a lone \ud800 surrogate",
];

Deno.test("withMessageBytes() gives those of TextEncoder, however long the text and whatever came before", () => {
  const encoder = new TextEncoder();
  for (const text of [...texts, ...texts.toReversed()]) {
    const bytes = withMessageBytes(text, (bytes) => bytes.slice());
    assert.deepEqual(bytes, encoder.encode(text));
  }
});

Deno.test("withMessageBytes() leaves nothing of a text in memory that is used again", () => {
  const text = "a pre-shared key";
  let room = new ArrayBuffer();
  const look = (bytes: Uint8Array) => {
    room = bytes.buffer as ArrayBuffer;
    return new TextDecoder().decode(bytes);
  };
  const held = () => new Uint8Array(room).some((byte) => byte !== 0);
  assert.equal(withMessageBytes(text, look), text);
  assert.equal(held(), false);
  assert.throws(() =>
    withMessageBytes(text, (bytes) => {
      look(bytes);
      assert.equal(held(), true);
      throw new Error("it cannot be verified");
    }), /cannot be verified/);
  assert.equal(held(), false);
});
