import assert from "node:assert/strict";
import { NO_SCREEN, paint, screenOf } from "../../../src/cli/output/screen.ts";

const TERMINAL = { isTerminal: () => true };
const PIPE = { isTerminal: () => false };

function around(
  env: Readonly<Record<string, string>>,
  columns: () => number = () => 132,
) {
  return { env: (name: string) => env[name], columns };
}

Deno.test("screenOf() is no screen for a pipe", () => {
  assert.deepEqual(screenOf(PIPE, around({ TERM: "xterm" })), NO_SCREEN);
});

const cases = [
  { env: { TERM: "xterm" }, steerable: true, colour: true },
  { env: { TERM: "xterm", NO_COLOR: "1" }, steerable: true, colour: false },
  { env: { TERM: "xterm", NO_COLOR: "" }, steerable: true, colour: true },
  { env: { TERM: "dumb" }, steerable: false, colour: false },
  { env: {}, steerable: true, colour: true },
];
for (const { env, steerable, colour } of cases) {
  Deno.test(`screenOf() on a terminal with ${JSON.stringify(env)}`, () => {
    const screen = screenOf(TERMINAL, around(env));
    assert.deepEqual(screen, { columns: 132, steerable, colour });
  });
}

for (
  const [when, columns] of [
    ["does not tell its width", () => {
      throw new Error("no size");
    }],
    ["says that it has no columns", () => 0],
  ] as const
) {
  Deno.test(`screenOf() has 80 columns when a terminal ${when}`, () => {
    assert.equal(screenOf(TERMINAL, around({}, columns)).columns, 80);
  });
}

Deno.test("paint() leaves a text as it is without colours", () => {
  assert.equal(paint(NO_SCREEN, "red", "x"), "x");
});
