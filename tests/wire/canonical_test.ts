import assert from "node:assert/strict";
import fc from "fast-check";
import { signedText } from "../../src/wire/canonical.ts";
import type { Envelope } from "../../src/wire/envelope.ts";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import { vectors } from "../vectors/load.ts";

/** Vectors whose wire text does not say what was signed, by their purpose. */
const DIFFERS = new Set(
  vectors.envelopes_dialect1.filter(({ name }) =>
    name.startsWith("malformed-") || name.startsWith("reject-tampered-") ||
    name.startsWith("reject-missing-") || name.startsWith("reject-signed-")
  ).map(({ name }) => name),
);

for (const { name, wire_data, canonical_b64 } of vectors.envelopes_dialect1) {
  if (canonical_b64 === undefined || DIFFERS.has(name)) continue;
  Deno.test(`signedText() has the bytes of vector ${name}`, () => {
    const bytes = new TextEncoder().encode(
      signedText(parseEnvelope(wire_data)),
    );
    assert.equal(bytes.toBase64(), canonical_b64);
  });
}

const EVENT: Omit<Envelope, "signature"> = {
  type: "t",
  id: "i",
  issuedAt: "2026-03-01T12:00:00Z",
  nonce: "n",
  payload: "null",
};

function signedPayload(payload: string): string {
  const text = signedText({ ...EVENT, payload });
  return text.slice(text.indexOf('"payload":') + 10, -1);
}

Deno.test("signedText() keeps spaces inside strings and drops all others", () => {
  const payload = ' {\t"a b" :\r\n[ 1 , "\\" } " , " \\\\" ] , "" : { } } ';
  assert.equal(signedPayload(payload), '{"a b":[1,"\\" } "," \\\\"],"":{}}');
});

Deno.test("signedText() escapes controls in header strings as Go does", () => {
  const text = signedText({ ...EVENT, nonce: '"\\\b\t\n\f\r\0\x1f\x7f/é<>&' });
  const nonce = '"nonce":"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/é' +
    '\\u003c\\u003e\\u0026"';
  assert(text.includes(nonce), text);
});

Deno.test("signedText() writes a lone surrogate of a header string as U+FFFD", () => {
  assert(signedText({ ...EVENT, id: "a\udc00b" }).includes('"a\ufffdb"'));
});

Deno.test("signedText() throws RangeError without a time", () => {
  assert.throws(() => signedText({ ...EVENT, issuedAt: "" }), RangeError);
});

Deno.test("signedText() gives one text for a payload however it is spaced", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const compact = signedPayload(JSON.stringify(value));
    assert.equal(signedPayload(JSON.stringify(value, null, 2)), compact);
    assert.deepEqual(JSON.parse(compact), JSON.parse(JSON.stringify(value)));
    assert(!/[<>&\u2028\u2029]/.test(compact));
  }));
});

Deno.test("signedText() takes a payload nested a million deep", () => {
  const bomb = "[ ".repeat(1e6) + "]".repeat(1e6);
  assert.equal(signedPayload(bomb).length, 2e6);
});
