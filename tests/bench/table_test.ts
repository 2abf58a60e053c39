import assert from "node:assert/strict";
import type { Row } from "../../scripts/bench/row.ts";
import { asJsonLine, asTable } from "../../scripts/bench/table.ts";

const fast: Row = {
  name: "get-entry",
  what: "GET of one entry",
  value: 159_571.4,
  unit: "/s",
  floor: 168_581,
  ratio: 0.9466,
  goal: ">= 0.85",
  met: true,
};
const late: Row = {
  name: "events-p99",
  what: "bytes to visible",
  value: 31.27,
  unit: "ms",
  floor: null,
  ratio: null,
  goal: "<= 20 (ms)",
  met: false,
};

Deno.test("asTable() aligns its columns and marks what was not measured", () => {
  assert.equal(
    asTable([fast, late]),
    `
| What             | Figure     | Floor      | Ratio | Goal       | Met |
| ---------------- | ---------- | ---------- | ----- | ---------- | --- |
| GET of one entry | 159,571 /s | 168,581 /s | 0.95  | >= 0.85    | yes |
| bytes to visible | 31.3 ms    | –          | –     | <= 20 (ms) | no  |
`.trim(),
  );
});

Deno.test("asJsonLine() is one line with the members that scripts rely on", () => {
  const line = asJsonLine(late);
  assert.ok(!line.includes("\n"));
  assert.deepEqual(JSON.parse(line), {
    name: "events-p99",
    value: 31.27,
    unit: "ms",
    floor: null,
    ratio: null,
    goal: "<= 20 (ms)",
    met: false,
  });
});
