import assert from "node:assert/strict";
import { jsonDiff } from "../../../src/cli/admin/json_diff.ts";

Deno.test("jsonDiff() finds nothing in equal documents", () => {
  const document = { a: [1, { b: null }], c: "x" };
  assert.deepEqual(jsonDiff(document, structuredClone(document)), []);
});

Deno.test("jsonDiff() names what was added, changed and removed", () => {
  assert.deepEqual(
    jsonDiff(
      { a: 1, b: { c: [1, 2] }, gone: null },
      { a: 2, b: { c: [1] }, new: {} },
    ),
    [
      { place: "a", before: "1", after: "2" },
      { place: "b.c[1]", before: "2" },
      { place: "new", after: "{}" },
      { place: "gone", before: "null" },
    ],
  );
});

Deno.test("jsonDiff() compares entries of lists by their key, wherever they stand", () => {
  assert.deepEqual(
    jsonDiff(
      [{ key: "a", value: 1 }, { key: "b", value: 2 }],
      [{ key: "b", value: 3 }, { key: "a", value: 1 }],
    ),
    [{ place: "[b].value", before: "2", after: "3" }],
  );
});

Deno.test("jsonDiff() compares documents that are no objects", () => {
  assert.deepEqual(jsonDiff(1, [1]), [{
    place: ".",
    before: "1",
    after: "[1]",
  }]);
});
