import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../../src/wire/base64.ts";

const cases: { when: string; text: string; hex: string | undefined }[] = [
  { when: "with padding", text: "QQ==", hex: "41" },
  { when: "that is empty", text: "", hex: "" },
  { when: "with a line end inside", text: "QU\r\nJD", hex: "414243" },
  { when: "with a line end in the padding", text: "QQ=\n=\n", hex: "41" },
  { when: "without padding", text: "QQ", hex: undefined },
  { when: "with half the padding", text: "QQ=", hex: undefined },
  { when: "with too much padding", text: "QUI==", hex: undefined },
  { when: "with text after the padding", text: "QQ==QQ==", hex: undefined },
  { when: "with loose bits at the end", text: "QR==", hex: undefined },
  { when: "in the URL alphabet", text: "-_-_", hex: undefined },
  { when: "with a space inside", text: "QU JD", hex: undefined },
  { when: "with a tab inside", text: "QU\tJD", hex: undefined },
  { when: "with a NUL inside", text: "QU\0JD", hex: undefined },
  { when: "with a wide letter", text: "QUJＤ", hex: undefined },
];
for (const { when, text, hex } of cases) {
  const verb = hex === undefined ? "refuses" : "decodes";
  Deno.test(`decodeBase64() ${verb} text ${when}`, () => {
    assert.equal(decodeBase64(text)?.toHex(), hex);
  });
}

Deno.test("decodeBase64() gives back whatever encodeBase64() was given", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.equal(decodeBase64(encodeBase64(bytes))?.toHex(), bytes.toHex());
  }));
});
