import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseFirstValue,
  rawElements,
  rawMember,
  rawMemberOfEach,
  rawMembers,
} from "../../src/wire/raw_json.ts";

const spacing = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t") });

Deno.test("rawMembers() keeps order, duplicates, number text and escapes", () => {
  const text = '{ "z":1.0 ,"a" : {"y":[1E+05]},"z":-0, "10" :"\\u003C\\/"}';
  assert.deepEqual(rawMembers(text), [
    ["z", "1.0"],
    ["a", '{"y":[1E+05]}'],
    ["z", "-0"],
    ["10", '"\\u003C\\/"'],
  ]);
});

const tricky = [
  { text: "{}", members: [] },
  { text: " {\n} ", members: [] },
  { text: '{"":""}', members: [["", '""']] },
  { text: '{"\\"}":"{\\"\\\\"}', members: [['"}', '"{\\"\\\\"']] },
  {
    text: '{"a":"\\\\\\\\","b":1}',
    members: [["a", '"\\\\\\\\"'], ["b", "1"]],
  },
  { text: '{"a":[],"b":{}}', members: [["a", "[]"], ["b", "{}"]] },
  { text: '{"a":"]","b":["}"]}', members: [["a", '"]"'], ["b", '["}"]']] },
  { text: '{"a":true,"b":null}', members: [["a", "true"], ["b", "null"]] },
];
for (const { text, members } of tricky) {
  Deno.test(`rawMembers() slices ${JSON.stringify(text)}`, () => {
    assert.deepEqual(rawMembers(text), members);
  });
}

Deno.test("rawMembers() gives the pieces an object was made of", () => {
  const member = fc.tuple(fc.string({ unit: "binary" }), fc.json(), spacing);
  fc.assert(fc.property(fc.array(member), (members) => {
    const pieces = members.map(([name, json, gap]) =>
      `${gap}${JSON.stringify(name)}${gap}:${gap}${json}${gap}`
    );
    assert.deepEqual(
      rawMembers(`{${pieces.join(",")}}`),
      members.map(([name, json]) => [name, json.trim()]),
    );
  }));
});

Deno.test("rawElements() gives the pieces an array was made of", () => {
  const element = fc.tuple(fc.json(), spacing);
  fc.assert(fc.property(fc.array(element), (elements) => {
    const pieces = elements.map(([json, gap]) => `${gap}${json}${gap}`);
    assert.deepEqual(
      rawElements(`[${pieces.join(",")}]`),
      elements.map(([json]) => json.trim()),
    );
  }));
});

Deno.test("rawMember() gives the last member of a name, or nothing", () => {
  const text = '{"b":1, "a" : [2] ,"\\u0061":{"a":3} ,"c":4}';
  assert.equal(rawMember(text, "a"), '{"a":3}');
  assert.equal(rawMember(text, "d"), undefined);
  assert.equal(rawMember("{}", "a"), undefined);
});

Deno.test("rawMemberOfEach() gives what rawMember() gives of each element", () => {
  const name = fc.constantFrom("a", "b", "payload");
  const member = fc.tuple(name, fc.json(), spacing);
  const object = fc.array(member, { maxLength: 4 }).map((members) => {
    const pieces = members.map(([name, json, gap]) =>
      `${gap}"${name}"${gap}:${gap}${json}${gap}`
    );
    return `{${pieces.join(",")}}`;
  });
  fc.assert(fc.property(fc.array(object), spacing, (objects, gap) => {
    const text = `${gap}[${gap}${objects.join(`${gap},${gap}`)}${gap}]`;
    assert.deepEqual(
      rawMemberOfEach(text, "a"),
      objects.map((object) => rawMember(object, "a")),
    );
  }));
});

Deno.test("parseFirstValue() finds the first value and leaves the rest", () => {
  const rests = fc.constantFrom("", " ", " 1", "\n{}", ' "x', " ]");
  fc.assert(
    fc.property(fc.jsonValue(), spacing, rests, (value, gap, rest) => {
      const raw = JSON.stringify(value);
      const first = parseFirstValue(gap + raw + rest);
      assert.equal(first.raw, raw);
      assert.equal(first.rest, rest);
      assert.deepEqual(first.value, JSON.parse(raw));
    }),
  );
});

const incomplete = [
  "",
  " ",
  "{",
  "[",
  '"',
  '"\\"',
  '{"a":1',
  "[1,",
  "}",
  "]",
  ",",
  "nul",
  "truex",
  "01",
  "-",
  "{]",
  "[}",
  '{"a"}',
  "'a'",
  "\ufeff{}",
];
for (const text of incomplete) {
  Deno.test(`parseFirstValue() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseFirstValue(text), SyntaxError);
  });
}

Deno.test("parseFirstValue() reads or refuses any text, and never fails otherwise", () => {
  const piece = fc.constantFrom(
    ...'{}[],:"\\ \n01-.eE',
    "null",
    "true",
    "\\u0041",
    "\ud800",
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join("");
      try {
        const { raw, rest } = parseFirstValue(text);
        assert(text.endsWith(raw + rest));
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

const bombs = [
  { what: "arrays", text: "[".repeat(1e6) + "]".repeat(1e6) },
  { what: "objects", text: '{"a":'.repeat(5e5) + "1" + "}".repeat(5e5) },
];
for (const { what, text } of bombs) {
  Deno.test(`rawElements() and rawMembers() stand ${what} nested very deep`, () => {
    assert.deepEqual(rawElements(`[${text}]`), [text]);
    assert.deepEqual(rawMembers(`{"x":${text}}`), [["x", text]]);
    assert.equal(parseFirstValue(`${text} `).raw, text);
    assert.throws(() => parseFirstValue(text.slice(0, -1)), SyntaxError);
  });
}

Deno.test("rawMembers() takes time in proportion to a text full of escapes", () => {
  const string = '"' + '\\\\\\"'.repeat(5e5) + '"';
  assert.deepEqual(rawMembers(`{"a":${string}}`), [["a", string]]);
});
