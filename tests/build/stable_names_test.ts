import assert from "node:assert/strict";
import { stableNames } from "../../scripts/build/stable_names.ts";

/** The same three pieces, as two places of building have named them. */
const HERE = new Map([
  ["main.js", 'import"./chunk-AAAAAAA1.js";import("./up-AAAAAAA2.js")'],
  ["up-AAAAAAA2.js", 'import{a}from"./chunk-AAAAAAA1.js";a()'],
  ["chunk-AAAAAAA1.js", "export let a"],
]);
const THERE = new Map([
  ["chunk-ZZZZZZZ9.js", "export let a"],
  ["main.js", 'import"./chunk-ZZZZZZZ9.js";import("./up-YYYYYYY8.js")'],
  ["up-YYYYYYY8.js", 'import{a}from"./chunk-ZZZZZZZ9.js";a()'],
]);

/** New names and texts, in order of the names. */
function named(pieces: ReadonlyMap<string, string>): [string, string][] {
  return [...stableNames(pieces).values()]
    .map(({ name, text }): [string, string] => [name, text]).sort();
}

Deno.test("names of pieces come from what they hold alone", () => {
  assert.deepEqual(named(HERE), named(THERE));
});

Deno.test("pieces are found under their new names", () => {
  const pieces = new Map(named(HERE));
  const chunk = [...pieces.keys()].find((name) => name.startsWith("chunk"));
  assert.match(chunk!, /^chunk-[0-9a-f]{16}\.js$/);
  assert.ok(pieces.get("main.js")!.includes(`import"./${chunk}"`));
});

Deno.test("pieces that differ only in what they load get different names", () => {
  const names = named(
    new Map([
      ["main.js", 'import"./chunk-A0000001.js";import"./chunk-A0000002.js"'],
      ["chunk-A0000001.js", 'import"./chunk-B0000001.js"'],
      ["chunk-A0000002.js", 'import"./chunk-B0000002.js"'],
      ["chunk-B0000001.js", "1"],
      ["chunk-B0000002.js", "2"],
    ]),
  );
  assert.equal(new Set(names.map(([name]) => name)).size, 5);
});
