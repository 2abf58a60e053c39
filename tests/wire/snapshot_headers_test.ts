import assert from "node:assert/strict";
import {
  formatApplied,
  parseApplied,
  parseBundleVersion,
} from "../../src/wire/snapshot_headers.ts";

Deno.test("what a node has applied is read as it was written", () => {
  const position = { epoch: 1767225600, version: Number.MAX_SAFE_INTEGER };
  assert.deepEqual(parseApplied(formatApplied(position)), position);
  const wrong = [null, "", "1", "1.", ".1", "0.1", "1.0", "1.2.3", "-1.2"];
  for (const text of [...wrong, "1.99999999999999999", "9007199254740992.1"]) {
    assert.equal(parseApplied(text), undefined, String(text));
  }
});

Deno.test("the version of a trust bundle is digits alone", () => {
  assert.equal(parseBundleVersion("12"), 12);
  for (const text of [null, "", "1.5", "x", "-1", "9007199254740992"]) {
    assert.equal(parseBundleVersion(text), undefined, String(text));
  }
});
