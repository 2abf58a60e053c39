import assert from "node:assert/strict";
import {
  type Goal,
  inTurns,
  makeRow,
  median,
  mediansOf,
  namesFor,
  quantile,
  type Subject,
} from "../../scripts/bench/row.ts";

Deno.test("median() is the middle value, the lower one of two", () => {
  const cases: readonly (readonly [number[], number])[] = [
    [[7], 7],
    [[3, 1, 2], 2],
    [[10, 9, 100, 1], 9],
    [[5, 4, 3, 2, 1], 3],
  ];
  for (const [values, middle] of cases) assert.equal(median(values), middle);
});

Deno.test("median() leaves its values as they are", () => {
  const values = [3, 1, 2];
  median(values);
  assert.deepEqual(values, [3, 1, 2]);
});

Deno.test("median() of nothing is no number", () => {
  assert.ok(Number.isNaN(median([])));
});

Deno.test("quantile() is the least value that enough values do not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  assert.equal(quantile(hundred, 0.99), 99);
  assert.equal(quantile(hundred, 1), 100);
  assert.equal(quantile(hundred, 0.5), 50);
  assert.equal(quantile([4], 0.01), 4);
  assert.ok(Number.isNaN(quantile([], 0.99)));
});

Deno.test("inTurns() takes floor and figure alternately and keeps medians", async () => {
  const order: string[] = [];
  const values = [10, 30, 20];
  const floors = [1, 2, 9];
  const take = (name: string, from: number[]) => () => {
    order.push(name);
    return Promise.resolve(from.shift()!);
  };
  const measured = await inTurns(
    3,
    take("figure", values),
    take("floor", floors),
  );
  assert.deepEqual(measured, { value: 20, floor: 2 });
  assert.deepEqual(order.join(" "), "floor figure floor figure floor figure");
});

Deno.test("mediansOf() takes the median of one quantity on each side", () => {
  const turns = {
    figures: [{ ms: 3 }, { ms: 1 }, { ms: 2 }],
    floors: [{ ms: 30 }, { ms: 10 }, { ms: 10 }],
  };
  assert.deepEqual(mediansOf(turns, ({ ms }) => ms), { value: 2, floor: 10 });
});

Deno.test("namesFor() prefers a whole name to the begin of others", () => {
  const names = ["tcp-1-rate", "tcp-1-p50", "tcp-16-rate", "open", "open-all"];
  const cases: readonly (readonly [string | undefined, string[]])[] = [
    [undefined, names],
    ["tcp", ["tcp-1-rate", "tcp-1-p50", "tcp-16-rate"]],
    ["tcp-1", ["tcp-1-rate", "tcp-1-p50"]],
    ["tcp-1-p50", ["tcp-1-p50"]],
    ["open", ["open"]],
    ["tc", []],
    ["", []],
  ];
  for (const [only, found] of cases) {
    assert.deepEqual(namesFor(only, names), found, only);
  }
});

const goal: Goal = { relation: ">=", bound: 0.85 };
const subject = {
  name: "get-entry",
  what: "GET of one entry",
  unit: "/s",
  goal,
} as const satisfies Subject;

Deno.test("makeRow() compares the ratio with the goal, the bound included", () => {
  const atMost = { relation: "<=", bound: 1.25 } as const;
  const cases: readonly (readonly [Goal, number, boolean])[] = [
    [goal, 84, false],
    [goal, 85, true],
    [goal, NaN, false],
    [atMost, 125, true],
    [atMost, 126, false],
    [atMost, NaN, false],
  ];
  for (const [goal, value, met] of cases) {
    const row = makeRow({ ...subject, goal }, { value, floor: 100 });
    assert.equal(row.met, met, `${value} ${goal.relation} ${goal.bound}`);
    assert.equal(row.ratio, value / 100);
  }
});

Deno.test("makeRow() without a floor compares the value itself", () => {
  const goal = { relation: "<=", bound: 20, note: "ms" } as const;
  const row = makeRow({ ...subject, goal }, { value: 21, floor: null });
  assert.equal(row.met, false);
  assert.equal(row.ratio, null);
  assert.equal(row.goal, "<= 20 (ms)");
});

Deno.test("makeRow() without a goal says nothing about one", () => {
  const { name, what, unit } = subject;
  const row = makeRow({ name, what, unit }, { value: 1, floor: 2 });
  assert.equal(row.ratio, 0.5);
  assert.equal(row.goal, "");
  assert.equal(row.met, null);
});
