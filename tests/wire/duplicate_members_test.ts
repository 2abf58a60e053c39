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

Deno.test("findDuplicate() reads a text once, however deep it is", () => {
  // Once for each level would take a quarter of an hour.
  const depth = 200_000;
  for (const [before, after] of [["[", "]"], ['{"a":', "}"]] as const) {
    const deep = (inside: string) =>
      before.repeat(depth) + inside + after.repeat(depth);
    assert.equal(findDuplicate(deep("1")), undefined);
    assert.match(findDuplicate(deep('{"b":1,"b":2}'))!, /^[a*](\.[a*])+$/);
  }
});
