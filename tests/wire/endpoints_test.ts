import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeSegment,
  ENDPOINTS,
  fillPath,
} from "../../src/wire/endpoints.ts";

Deno.test("fillPath() puts each value in as one segment", () => {
  assert.equal(
    fillPath(ENDPOINTS.secret.path, { node_id: "n/../1", key: "a b?c#d%e" }),
    "/v1/nodes/n%2F..%2F1/secrets/a%20b%3Fc%23d%25e",
  );
});

Deno.test("fillPath() throws TypeError when a value is missing", () => {
  assert.throws(() => fillPath(ENDPOINTS.state.path, {}), TypeError);
});

for (const value of ["", ".", "..", "\ud800"]) {
  Deno.test(`encodeSegment() refuses ${JSON.stringify(value)}`, () => {
    assert.throws(() => encodeSegment(value), URIError);
  });
}

Deno.test("encodeSegment() gives a segment that a URL parser keeps as one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (key) => {
      if (key === "." || key === ".." || !key.isWellFormed()) return;
      const { pathname, search, hash } = new URL(
        `http://host/v1/${encodeSegment(key)}/end`,
      );
      const [, , segment, end, ...more] = pathname.split("/");
      assert.deepEqual([search, hash, end, more], ["", "", "end", []]);
      assert.equal(decodeURIComponent(segment ?? ""), key);
    }),
  );
});
