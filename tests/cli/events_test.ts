import assert from "node:assert/strict";
import { newIn } from "../../src/cli/events.ts";
import type { Transition } from "../../src/wire/transitions.ts";

const ring = (...types: string[]): Transition[] =>
  types.map((type) => ({ type, at: "2026-03-01T12:00:00.000Z" }));

const cases = [
  { when: "nothing was known", known: [], next: ["a"], fresh: ["a"] },
  { when: "nothing came", known: ["a", "b"], next: ["a", "b"], fresh: [] },
  { when: "one came", known: ["a"], next: ["a", "b"], fresh: ["b"] },
  {
    when: "the oldest gave way",
    known: ["a", "b", "c"],
    next: ["b", "c", "d"],
    fresh: ["d"],
  },
  { when: "all are new", known: ["a", "b"], next: ["c"], fresh: ["c"] },
  {
    when: "equal ones came",
    known: ["a", "a"],
    next: ["a", "a", "a"],
    fresh: ["a"],
  },
];
for (const { when, known, next, fresh } of cases) {
  Deno.test(`newIn() tells what is new when ${when}`, () => {
    assert.deepEqual(newIn(ring(...next), ring(...known)), ring(...fresh));
  });
}
