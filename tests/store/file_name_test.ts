import assert from "node:assert/strict";
import fc from "fast-check";
import { fileNameOf } from "../../src/store/file_name.ts";

const names = [
  { key: "plain-Key_1.json", name: "plain-Key_1.json" },
  { key: ".hidden", name: "%2Ehidden" },
  { key: "..", name: "%2E." },
  { key: "a/b", name: "a%2Fb" },
  { key: "~", name: "%7E" },
  { key: "!*'()", name: "%21%2A%27%28%29" },
  { key: "%", name: "%25" },
  { key: "\u00e9", name: "%C3%A9" },
  { key: "\0", name: "%00" },
  { key: "x".repeat(200), name: "x".repeat(200) },
];
for (const { key, name } of names) {
  Deno.test(`fileNameOf() makes ${name.slice(0, 20)} of ${JSON.stringify(key.slice(0, 20))}`, () =>
    assert.equal(fileNameOf(key), name));
}

Deno.test("fileNameOf() hashes what is longer than 200 bytes", () => {
  const name = fileNameOf("x".repeat(201));
  assert.match(name, /^x{100}~[0-9a-f]{64}$/);
  assert.notEqual(name, fileNameOf("x".repeat(202)));
});

Deno.test("fileNameOf() is harmless, short, and different for different keys", () => {
  const text = fc.string({ unit: "binary", maxLength: 400 });
  const halves = fc.array(fc.integer({ min: 0, max: 0xffff }))
    .map((codes) => String.fromCharCode(...codes));
  const keys = fc.oneof(text, halves);
  fc.assert(fc.property(keys, keys, (a, b) => {
    const name = fileNameOf(a);
    assert.match(name, /^(?!\.)[A-Za-z0-9._%~-]{1,200}$/);
    assert.equal(name === fileNameOf(b), a === b);
  }));
});
