import assert from "node:assert/strict";
import { parseSigningKeysPayload2 } from "../../src/trust/signing_keys_payload2.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";

const FULL = {
  key_id: "k2",
  public_key: "abc",
  previous_key_id: "k1",
  transition_expires: "2026-03-01T12:10:00Z",
};

Deno.test("parseSigningKeysPayload2() reads all members", () => {
  assert.deepEqual(parseSigningKeysPayload2(JSON.stringify(FULL)), {
    current: "abc",
    currentId: "k2",
    previousId: "k1",
    transitionExpires: "2026-03-01T12:10:00Z",
  });
});

Deno.test("parseSigningKeysPayload2() takes null, empty and Go's zero time as absent", () => {
  const text = JSON.stringify({
    ...FULL,
    previous_key_id: null,
    transition_expires: "0001-01-01T00:00:00Z",
  });
  assert.deepEqual(parseSigningKeysPayload2(text), {
    current: "abc",
    currentId: "k2",
  });
});

for (
  const text of [
    "[]",
    "x",
    '{"key_id":"","public_key":"a"}',
    '{"key_id":"k"}',
    '{"key_id":"k","public_key":"a","public_key":"b"}',
    '{"key_id":"k","public_key":1}',
  ]
) {
  Deno.test(`parseSigningKeysPayload2() refuses ${text}`, () => {
    assert.throws(() => parseSigningKeysPayload2(text), ShapeError);
  });
}
