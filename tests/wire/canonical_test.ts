import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { signedText, signedText2 } from "../../src/wire/canonical.ts";
import { parseEnvelope2 } from "../../src/wire/dialect2/parse_envelope2.ts";
import type { Envelope } from "../../src/wire/envelope.ts";
import { MalformedEnvelopeError } from "../../src/wire/envelope_members.ts";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import { vectors } from "../vectors/load.ts";

/** What stands before the 32 bytes of an Ed25519 key in its DER form. */
const SPKI = Uint8Array.fromHex("302a300506032b6570032100");

/** Vectors whose wire text is not what was signed, by their purpose. */
const DIFFERS =
  /^(d2-)?(malformed|reject-tampered|reject-signed|reject-missing-(nonce|issued-at))/;

/** What one of the keys of the vectors has signed. */
function isSigned(text: Uint8Array, signature: string): boolean {
  return Object.values(vectors.ed25519_keys).some(({ public_key_b64 }) =>
    verify(
      null,
      text,
      createPublicKey({
        key: Buffer.concat([SPKI, Uint8Array.fromBase64(public_key_b64)]),
        format: "der",
        type: "spki",
      }),
      Uint8Array.fromBase64(signature),
    )
  );
}

/** The signed text of what stands on the wire, if there is one. */
function textOf(sign: (data: string) => string, data: string) {
  try {
    return sign(data);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    if (error instanceof MalformedEnvelopeError) return undefined;
    throw error;
  }
}

const dialects = [
  {
    group: vectors.envelopes_dialect1,
    sign: (data: string) => signedText(parseEnvelope(data)),
  },
  {
    group: vectors.envelopes_dialect2,
    sign: (data: string) => signedText2(parseEnvelope2(data)),
  },
];

for (const { group, sign } of dialects) {
  for (const { name, wire_data, canonical_b64 } of group) {
    if (canonical_b64 === undefined) continue;
    const same = !DIFFERS.test(name);
    Deno.test(`the signed text is ${same ? "that" : "not that"} of vector ${name}`, () => {
      const text = textOf(sign, wire_data) ?? "";
      const bytes = new TextEncoder().encode(text).toBase64();
      if (same) return assert.equal(bytes, canonical_b64);
      // Its signature is good, but for another text than the one that came.
      assert.notEqual(bytes, canonical_b64);
      const { signature } = JSON.parse(wire_data) as { signature: string };
      assert.ok(isSigned(Uint8Array.fromBase64(canonical_b64), signature));
    });
  }
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

Deno.test("signedText() escapes a character of a header string also where it is the only one", () => {
  const escaped = new Set(['"', "\\", "<", ">", "&", "\u2028", "\u2029"]);
  for (let code = 0; code <= 0x2100; code++) {
    const character = String.fromCharCode(code);
    const text = signedText({ ...EVENT, id: `a${character}b` });
    const isPlain = code >= 0x20 && !escaped.has(character);
    assert.equal(text.includes(`"event_id":"a${character}b"`), isPlain, text);
    assert.equal(JSON.parse(text).event_id, `a${character}b`);
  }
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
