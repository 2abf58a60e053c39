import assert from "node:assert/strict";
import { messageBytes } from "../../src/trust/message_bytes.ts";

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

Deno.test("messageBytes() are those of TextEncoder, however long the text and whatever came before", () => {
  const encoder = new TextEncoder();
  for (const text of [...texts, ...texts.toReversed()]) {
    assert.deepEqual(messageBytes(text), encoder.encode(text));
  }
});
