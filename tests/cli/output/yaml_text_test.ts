import assert from "node:assert/strict";
import { parse } from "yaml";
import { yamlText } from "../../../src/cli/output/yaml_text.ts";

Deno.test("yamlText() says the same as the JSON", async () => {
  const value = {
    a: [1, { b: null, c: true }],
    text: "two\nlines",
    empty: "",
    list: [],
    map: {},
    "odd: key": "- x",
  };
  assert.deepEqual(parse(await yamlText(JSON.stringify(value))), value);
});

Deno.test("yamlText() keeps every digit of a whole number", async () => {
  const text = await yamlText('{"count":12345678901234567890}');
  assert.equal(text, "count: 12345678901234567890");
});

for (const word of ["no", "yes", "on", "1:30", "012", "~", "0x1f"]) {
  Deno.test(`yamlText() quotes ${word}, which others take for no text`, async () => {
    assert.equal(await yamlText(JSON.stringify({ word })), `word: "${word}"`);
  });
}

for (const odd of ["\x1b[2J", "a\u202eb", "line\u2028line", "del\x7f\x9b2J"]) {
  Deno.test(`yamlText() escapes ${JSON.stringify(odd)}`, async () => {
    const text = await yamlText(JSON.stringify({ odd, [odd]: [odd] }));
    assert.doesNotMatch(
      text,
      // deno-lint-ignore no-control-regex -- these are what is looked for
      /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/,
    );
    assert.deepEqual(parse(text), { odd, [odd]: [odd] });
  });
}
