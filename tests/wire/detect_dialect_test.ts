import assert from "node:assert/strict";
import {
  dialectOfEnvelope,
  dialectOfRegistration,
  dialectOfState,
} from "../../src/wire/detect_dialect.ts";
import { vectors } from "../vectors/load.ts";

Deno.test("the vectors hold 9 documents to tell dialects by", () => {
  assert.equal(vectors.dialect_detection.length, 9);
});

for (const vector of vectors.dialect_detection) {
  Deno.test(`the dialect of ${vector.name} is ${vector.dialect}`, () => {
    const { kind, document, text } = vector;
    const dialect = kind === "state"
      ? dialectOfState(document)
      : kind === "register_response"
      ? dialectOfRegistration(document)
      : dialectOfEnvelope(JSON.parse(text ?? ""));
    assert.equal(dialect, vector.dialect);
  });
}

Deno.test("a document that could be either or neither has no dialect", () => {
  for (const value of [undefined, null, [], "x", {}, { peers: [] }]) {
    assert.equal(dialectOfState(value), undefined);
    assert.equal(dialectOfRegistration(value), undefined);
    assert.equal(dialectOfEnvelope(value), undefined);
  }
  const both = { node_secret_key: "a", nsk: "b" };
  assert.equal(dialectOfRegistration(both), undefined);
  assert.equal(
    dialectOfEnvelope({ event_type: "a", type: "a", key_id: "b" }),
    undefined,
  );
});
