import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import { publicKeyOf, signWith } from "./signers.ts";

Deno.test("importSigningKey() gives a key that verifies its own signatures only", () => {
  const key = importSigningKey(publicKeyOf("A"));
  const message = new TextEncoder().encode("message");
  assert(key);
  assert.equal(key.verifies(message, signWith("A", message)), true);
  assert.equal(key.verifies(message, signWith("B", message)), false);
  assert.equal(
    key.verifies(message.subarray(1), signWith("A", message)),
    false,
  );
});

for (const length of [0, 1, 63, 65, 128]) {
  Deno.test(`importSigningKey() gives a key that refuses a signature of ${length} bytes`, () => {
    const message = new TextEncoder().encode("message");
    const signature = new Uint8Array(length);
    signature.set(signWith("A", message).subarray(0, length));
    const key = importSigningKey(publicKeyOf("A"));
    assert.equal(key?.verifies(message, signature), false);
  });
}

Deno.test("importSigningKey() names a key by the first 16 bytes of its SHA-256", () => {
  const text = publicKeyOf("A");
  const digest = createHash("sha256").update(Uint8Array.fromBase64(text))
    .digest();
  assert.equal(
    importSigningKey(text)?.fingerprint,
    digest.subarray(0, 16).toString("base64url"),
  );
});

Deno.test("importSigningKey() gives one text for a key however it was written", () => {
  const text = publicKeyOf("A");
  assert.equal(importSigningKey(`${text}\n`)?.text, text);
});

const IDENTITY = "01" + "00".repeat(31);

const refused = [
  { what: "no text", text: "" },
  { what: "text that is not base64", text: "!" },
  { what: "31 bytes", text: new Uint8Array(31).fill(9).toBase64() },
  { what: "33 bytes", text: new Uint8Array(33).fill(9).toBase64() },
  { what: "bytes that are no point", text: "02".padEnd(64, "0") },
  { what: "zero", text: "00".repeat(32) },
  { what: "the neutral point", text: IDENTITY },
  { what: "the neutral point with a sign", text: IDENTITY.slice(0, -2) + "80" },
  { what: "a point of order 2", text: `ec${"ff".repeat(30)}7f` },
  { what: "zero, not reduced", text: `ed${"ff".repeat(30)}ff` },
  {
    what: "a point of order 8",
    text: "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  },
];
for (const { what, text } of refused) {
  Deno.test(`importSigningKey() refuses ${what}`, () => {
    const isHex = /^[0-9a-f]{64}$/.test(text);
    const base64 = isHex ? Uint8Array.fromHex(text).toBase64() : text;
    assert.equal(importSigningKey(base64), undefined);
  });
}

Deno.test("importSigningKey() reads the DER form as the same key", () => {
  const raw = Uint8Array.fromBase64(publicKeyOf("A"));
  const prefix = Uint8Array.fromHex("302a300506032b6570032100");
  const der = Uint8Array.of(...prefix, ...raw).toBase64();
  assert.equal(der.length, 60);
  assert.equal(importSigningKey(der)?.text, publicKeyOf("A"));
});

Deno.test("importSigningKey() refuses 44 bytes with another prefix", () => {
  const bytes = new Uint8Array(44);
  bytes.set(Uint8Array.fromBase64(publicKeyOf("A")), 12);
  assert.equal(importSigningKey(bytes.toBase64()), undefined);
});
