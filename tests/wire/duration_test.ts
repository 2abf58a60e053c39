import assert from "node:assert/strict";
import { formatDuration, parseDuration } from "../../src/wire/duration.ts";

for (
  const [text, ms] of [
    ["500ms", 500],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
    ["", undefined],
    ["10", undefined],
    ["-1s", undefined],
    ["1.5h", 5_400_000],
    ["2.5s", 2_500],
    ["1m 1s", undefined],
    ["5us", undefined],
    ["1s ", undefined],
    ["99999999999999999s", undefined],
    ["1s".repeat(33), undefined],
  ] as const
) {
  Deno.test(`parseDuration() reads "${text}" as ${ms}`, () => {
    assert.equal(parseDuration(text), ms);
  });
}

const durations: [ms: number, text: string][] = [
  [0, "0s"],
  [-5, "0s"],
  [0.4, "0s"],
  [1, "1ms"],
  [999, "999ms"],
  [999.6, "1s"],
  [1_500, "1.5s"],
  [59_999.6, "1m0s"],
  [60_000, "1m0s"],
  [62_500, "1m2.5s"],
  [3_600_000, "1h0m0s"],
  [90_061_001, "25h1m1.001s"],
];

for (const [ms, text] of durations) {
  Deno.test(`formatDuration() is "${text}" for ${ms} ms`, () => {
    assert.equal(formatDuration(ms), text);
  });
}
