import assert from "node:assert/strict";
import fc from "fast-check";
import { findDuplicate } from "../../src/wire/duplicate_members.ts";

for (
  const [text, place] of [
    ["{}", undefined],
    ["[]", undefined],
    ["1", undefined],
    ['{"a":1,"b":{"a":1}}', undefined],
    ['{"a":1,"a":1}', "the document"],
    [' {"a":1,"\\u0061":2} ', "the document"],
    ['{"a":{"b":1,"b":2}}', "a"],
    ['{"a":[{"x":1},{"b":1,"b":2}]}', "a.*"],
    ['[[{"b":1,"b":2}]]', "*.*"],
    ['{"s":"{\\"a\\":1,\\"a\\":2}"}', undefined],
  ] as const
) {
  Deno.test(`findDuplicate() finds ${place ?? "nothing"} in ${text}`, () => {
    assert.equal(findDuplicate(text), place);
  });
}

Deno.test("findDuplicate() leaves opaque values alone, and only those", () => {
  const isOpaque = (place: string) => place === "data.*.payload";
  const twice = '{"a":1,"a":2}';
  assert.equal(
    findDuplicate(`{"data":[{"payload":${twice}}]}`, isOpaque),
    undefined,
  );
  assert.equal(
    findDuplicate(`{"data":[{"other":${twice}}]}`, isOpaque),
    "data.*.other",
  );
  assert.equal(findDuplicate(`{"payload":${twice}}`, isOpaque), "payload");
});

Deno.test("findDuplicate() finds nothing in what JSON.stringify wrote", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.equal(findDuplicate(JSON.stringify(value)), undefined);
  }));
});

Deno.test("findDuplicate() does not mind two thousand levels", () => {
  const depth = 2_000;
  const text = "[".repeat(depth) + "]".repeat(depth);
  assert.equal(findDuplicate(text), undefined);
});
