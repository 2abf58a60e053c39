import assert from "node:assert/strict";
import fc from "fast-check";
import { indentJson } from "../../src/cli/indent_json.ts";

const cases = [
  { text: "{}", indented: "{}" },
  { text: "[ ]", indented: "[]" },
  { text: '{"a":[1,{}]}', indented: '{\n  "a": [\n    1,\n    {}\n  ]\n}' },
  {
    text: '{"b":1.0,"1":12345678901234567890}',
    indented: '{\n  "b": 1.0,\n  "1": 12345678901234567890\n}',
  },
  { text: '"a\\"{,:}"', indented: '"a\\"{,:}"' },
  { text: '"\u009b31m\u202e"', indented: '"\\u009b31m\\u202e"' },
];
for (const { text, indented } of cases) {
  Deno.test(`indentJson() lays out ${JSON.stringify(text)}`, () => {
    assert.equal(indentJson(text), indented);
  });
}

Deno.test("indentJson() gives what JSON.stringify() gives for any value", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const value: unknown = JSON.parse(text);
    const indented = indentJson(JSON.stringify(value));
    assert.deepEqual(JSON.parse(indented), value);
    // The steering characters are the one difference, inside of texts.
    if (!/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/.test(text)) {
      assert.equal(indented, JSON.stringify(value, null, 2));
    }
  }));
});

Deno.test("indentJson() takes nesting without end", () => {
  const depth = 100_000;
  const text = "[".repeat(depth) + "]".repeat(depth);
  const indented = indentJson(text);
  assert.equal(indented.replace(/\s/g, ""), text);
});
