import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedEnvelopeError } from "../../src/wire/envelope_members.ts";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import { vectors } from "../vectors/load.ts";

function kindOf(data: string): string | undefined {
  try {
    parseEnvelope(data);
    return undefined;
  } catch (error) {
    assert(error instanceof MalformedEnvelopeError, String(error));
    return error.kind;
  }
}

for (const vector of vectors.envelopes_dialect1) {
  const { name, wire_data, expect, reason } = vector;
  const malformed = expect === "malformed" ? reason : undefined;
  Deno.test(`parseEnvelope() ${malformed ? "refuses" : "reads"} vector ${name}`, () => {
    assert.equal(kindOf(wire_data), malformed);
  });
}

const MINIMAL = '{"event_type":"t","event_id":"i"}';

Deno.test("parseEnvelope() takes missing members as empty and the payload as null", () => {
  assert.deepEqual(parseEnvelope(MINIMAL), {
    type: "t",
    id: "i",
    issuedAt: "",
    nonce: "",
    payload: "null",
    signature: "",
  });
});

Deno.test("parseEnvelope() takes null members as missing", () => {
  const text = '{"event_type":"t","event_id":"i","issued_at":null,' +
    '"nonce":null,"payload":null,"signature":null}';
  assert.deepEqual(parseEnvelope(text), parseEnvelope(MINIMAL));
  assert.equal(kindOf('{"event_type":null,"event_id":"i"}'), "event_type");
});

Deno.test("parseEnvelope() keeps the payload byte for byte", () => {
  const payload = '{ "a" : [1.0, "\\u003C\\"}" ],\t"a":2 }';
  const text = `{"payload" : ${payload} ,"event_type":"t","event_id":"i"}`;
  assert.equal(parseEnvelope(text).payload, payload);
});

Deno.test("parseEnvelope() decodes escaped member names", () => {
  const text = '{"event\\u005ftype":"t","event_id":"i"}';
  assert.equal(parseEnvelope(text).type, "t");
});

Deno.test("parseEnvelope() makes a lone surrogate U+FFFD, as it is signed so", () => {
  const text = '{"event_type":"t","event_id":"i","nonce":"\\ud800"}';
  assert.equal(parseEnvelope(text).nonce, "\ufffd");
});

const refused = [
  { when: "with the payload twice", more: '"payload":1,"payload":2' },
  { when: "with the nonce twice", more: '"nonce":"a","nonce":"a"' },
  { when: "with an unknown member twice", more: '"x":1,"x":1' },
  { when: "with an unknown member in two cases", more: '"x":1,"X":1' },
  { when: "with the payload in another case", more: '"Payload":1' },
  {
    when: "with a member escaped and in another case",
    more: '"\\u0050ayload":1',
  },
  {
    when: "with a member twice, once escaped",
    more: '"nonce":"a","no\\u006ece":"b"',
  },
  { when: "with a long s in a member", more: '"i\u017f\u017fued_at":"x"' },
  { when: "with both cases of a member", more: '"nonce":"a","NONCE":"a"' },
  { when: "with an empty issued_at", more: '"issued_at":""' },
  { when: "with issued_at as a number", more: '"issued_at":1' },
  { when: "with the signature as an object", more: '"signature":{}' },
  {
    when: "with a nonce of 1025 characters",
    more: `"nonce":"${"x".repeat(1_025)}"`,
  },
];
for (const { when, more } of refused) {
  Deno.test(`parseEnvelope() refuses an envelope ${when}`, () => {
    assert.equal(kindOf(`{"event_type":"t","event_id":"i",${more}}`), "json");
  });
}

for (const text of ["", " ", "null", "1", '"x"', "[]", "[{}]", "\ufeff{}"]) {
  Deno.test(`parseEnvelope() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(kindOf(text), "json");
  });
}

Deno.test("parseEnvelope() takes a nonce of 1024 characters, however they are written", () => {
  for (const written of ["x".repeat(1_024), "\\u0078".repeat(1_024)]) {
    const text = `{"event_type":"t","event_id":"i","nonce":"${written}"}`;
    assert.equal(parseEnvelope(text).nonce, "x".repeat(1_024));
  }
});

Deno.test("parseEnvelope() reads __proto__ and constructor as unknown members", () => {
  const text =
    '{"__proto__":{"nonce":"evil"},"constructor":1,"event_type":"t","event_id":"i"}';
  assert.deepEqual(parseEnvelope(text), parseEnvelope(MINIMAL));
});

Deno.test("parseEnvelope() stands a payload nested a million deep", () => {
  const bomb = "[".repeat(1e6) + "]".repeat(1e6);
  const text = `{"event_type":"t","event_id":"i","payload":${bomb}}`;
  assert.equal(parseEnvelope(text).payload, bomb);
  assert.equal(kindOf(text.slice(0, -1)), "json");
});

Deno.test("parseEnvelope() reads or refuses any text, and never fails otherwise", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    ":",
    ",",
    " ",
    "\n",
    "null",
    "1e9",
    "\\u00",
    '"event_type":"t"',
    '"event_id":"i"',
    '"payload":',
    '"nonce":"n"',
    "\ud800",
  );
  fc.assert(
    fc.property(fc.array(piece), fc.json(), (pieces, json) => {
      kindOf(pieces.join(""));
      kindOf(`{${pieces.join("")}}`);
      kindOf(json);
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseEnvelope() slices any payload out of any surroundings", () => {
  const space = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t") });
  fc.assert(fc.property(fc.json(), fc.json(), space, (payload, extra, gap) => {
    const text = `{"event_type":"t",${gap}"x"${gap}:${extra},"payload":${gap}` +
      `${payload}${gap},"event_id":"i"${gap}}${gap}`;
    assert.equal(parseEnvelope(text).payload, payload.trim());
  }));
});
