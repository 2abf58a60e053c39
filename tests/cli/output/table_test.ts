import assert from "node:assert/strict";
import { NO_SCREEN, type Screen } from "../../../src/cli/output/screen.ts";
import { table } from "../../../src/cli/output/table.ts";
import { widthOf } from "../../../src/cli/output/text_width.ts";

const HEAD = ["ID", "ENDPOINT", "KEY"];
const ROWS = [
  ["019f2a31-8a2b-7c55-9d11-2f1e7a0b6c3d", "203.0.113.7:51820", "x".repeat(44)],
  ["short", "-", "y"],
];

function terminal(columns: number): Screen {
  return { columns, steerable: true, colour: false };
}

Deno.test("table() cuts nothing when it is piped", () => {
  const text = table(NO_SCREEN, HEAD, ROWS);
  for (const cell of ROWS.flat()) assert.ok(text.includes(cell));
});

for (const columns of [40, 60, 80]) {
  Deno.test(`table() fits a terminal of ${columns} columns`, () => {
    const lines = table(terminal(columns), HEAD, ROWS).split("\n");
    for (const line of lines) assert.ok(widthOf(line) <= columns, line);
    assert.match(lines[1]!, /…/);
  });
}

Deno.test("table() cuts the widest columns first, and leaves the others whole", () => {
  const text = table(terminal(100), HEAD, ROWS);
  assert.ok(text.includes("019f2a31-8a2b-7c55-9d11-2f1e7a0b6c3d"));
  assert.ok(text.includes("203.0.113.7:51820"));
});

Deno.test("table() cuts the first column last, which names the line", () => {
  const row = ["a".repeat(30), "b".repeat(40), "c".repeat(40)];
  const [, line] = table(terminal(60), ["A", "B", "C"], [row]).split("\n");
  assert.match(line!, /^a{30} {2}b{12}… {2}c{12}…$/);
});

Deno.test("table() cuts nothing on a terminal that is wide enough", () => {
  assert.equal(
    table(terminal(200), HEAD, ROWS),
    table(NO_SCREEN, HEAD, ROWS),
  );
});

Deno.test("table() aligns what is wider or narrower than its length", () => {
  const text = table(NO_SCREEN, ["A", "B"], [["漢字", "1"], ["e\u0301", "2"]]);
  assert.deepEqual(text.split("\n"), ["A     B", "漢字  1", "e\u0301     2"]);
});

Deno.test("table() colours only where the screen has colours", () => {
  const row = [{ text: "bad", colour: "red" as const }, "x"];
  assert.equal(table(NO_SCREEN, ["A", "B"], [row]), "A    B\nbad  x");
  const coloured = table({ ...NO_SCREEN, colour: true }, ["A", "B"], [row]);
  assert.ok(coloured.includes("\x1b[31mbad\x1b[0m  x"));
});

Deno.test("table() lets no cell steer the terminal or begin a line", () => {
  const text = table(NO_SCREEN, ["A"], [["a\x1b[2J\nb\u202e"]]);
  assert.equal(text, "A\na\ufffd[2J\ufffdb\ufffd");
});
