import assert from "node:assert/strict";
import {
  type Choice,
  choiceOf,
  choicesIn,
  KEPT_MS,
  MOST_CHOICES,
  withChoice,
  without,
  withoutMembership,
} from "../../../src/cli/terminal/choices.ts";

const NOW = Date.UTC(2026, 2, 1);
const clock = { now: () => NOW };
const chosen = { cluster: "staging", dataDir: "/data", clock };
const here = { key: "tty:1:42:5", bootId: "boot-1" };
const there = { key: "tty:2:43:6", bootId: "boot-1" };

function stored(choices: readonly Choice[], nowMs = NOW): Choice[] {
  return choicesIn(JSON.stringify({ format: 1, choices }), nowMs);
}

Deno.test("a choice is that of one terminal, and the last one counts", () => {
  const first = withChoice([], here, chosen);
  const both = withChoice(first, there, { ...chosen, cluster: "other" });
  const again = stored(withChoice(both, here, { ...chosen, cluster: "third" }));
  assert.equal(choiceOf(again, here)?.cluster, "third");
  assert.equal(choiceOf(again, there)?.cluster, "other");
  assert.equal(again.length, 2);
  assert.equal(choiceOf(again, { ...here, bootId: "boot-2" }), undefined);
});

Deno.test("clearing takes nothing from other terminals", () => {
  const both = withChoice(withChoice([], here, chosen), there, chosen);
  const left = without(both, here);
  assert.equal(choiceOf(left, here), undefined);
  assert.equal(choiceOf(left, there)?.cluster, "staging");
  assert.deepEqual(without(left, here), left);
});

Deno.test("choices of former starts of the machine go with the next change", () => {
  const old = withChoice([], here, chosen);
  const named = withChoice(old, { key: "name:x", bootId: null }, chosen);
  const later = { key: "tty:9:9:9", bootId: "boot-2" };
  assert.deepEqual(
    withChoice(named, later, chosen).map(({ session }) => session),
    ["tty:9:9:9", "name:x"],
  );
});

Deno.test("a choice is forgotten after 30 days", () => {
  const choices = withChoice([], here, chosen);
  assert.equal(stored(choices, NOW + KEPT_MS).length, 1);
  assert.equal(stored(choices, NOW + KEPT_MS + 1).length, 0);
});

Deno.test("no more choices are kept than there may be", () => {
  let choices: Choice[] = [];
  for (let at = 0; at <= MOST_CHOICES; at++) {
    choices = withChoice(choices, { key: `name:${at}`, bootId: null }, chosen);
  }
  assert.equal(choices.length, MOST_CHOICES);
  assert.equal(choices[0]?.session, `name:${MOST_CHOICES}`);
});

Deno.test("a membership that is gone is chosen nowhere", () => {
  const other = { ...chosen, dataDir: "/other" };
  const both = withChoice(withChoice([], here, chosen), there, other);
  assert.deepEqual(
    withoutMembership(both, "staging", "/data").map((one) => one.data_dir),
    ["/other"],
  );
});

for (
  const text of ["", "{", "[]", "null", '{"choices":{}}', '{"choices":[1,{}]}']
) {
  Deno.test(`a file with ${text || "nothing"} in it holds no choice`, () => {
    assert.deepEqual(choicesIn(text, NOW), []);
  });
}
