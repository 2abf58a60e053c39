import assert from "node:assert/strict";
import { parseRetryAfter } from "../../src/uplink/retry_after.ts";
import { vectors, VECTORS_NOW_MS } from "../vectors/load.ts";

for (const { value, recommended_seconds } of vectors.retry_after.vectors) {
  Deno.test(`parseRetryAfter() gives ${recommended_seconds} s for "${value}"`, () => {
    const expected = recommended_seconds === null
      ? undefined
      : recommended_seconds * 1_000;
    assert.equal(parseRetryAfter(value, VECTORS_NOW_MS), expected);
  });
}

const noDates = [
  "Sun, 01 Mar 2026 12:02:00 CET",
  "Sun, 01 Mar 2026 24:02:00 GMT",
  "Sun, 01 Foo 2026 12:02:00 GMT",
  "Sun, 00 Mar 2026 12:02:00 GMT",
  "2026-03-01T12:02:00Z",
  "Sun, 01 Mar 2026 12:02:00 GMT, 5",
];
for (const value of noDates) {
  Deno.test(`parseRetryAfter() takes nothing from "${value}"`, () => {
    assert.equal(parseRetryAfter(value, VECTORS_NOW_MS), undefined);
  });
}

Deno.test("parseRetryAfter() gives nothing without a header", () => {
  assert.equal(parseRetryAfter(null, VECTORS_NOW_MS), undefined);
});

Deno.test("parseRetryAfter() takes two digits far ahead for the century before", () => {
  const past = "Sunday, 06-Nov-94 08:49:37 GMT";
  assert.equal(parseRetryAfter(past, VECTORS_NOW_MS), 0);
});
