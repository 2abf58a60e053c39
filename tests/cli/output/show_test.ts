import assert from "node:assert/strict";
import { counted } from "../../../src/cli/output/counted.ts";
import { NO_SCREEN } from "../../../src/cli/output/screen.ts";
import type { OutputForm } from "../../../src/cli/output/forms.ts";
import { show } from "../../../src/cli/output/show.ts";

async function shown(flags: Record<string, string>, usual?: OutputForm) {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line) > 0;
  await show({ flags, print, screen: NO_SCREEN }, {
    json: '{"count":1.0}',
    table: () => "as a table",
    ...(usual ? { usual } : {}),
  });
  return lines.join("\n");
}

Deno.test("show() prints the form that is asked for", async () => {
  assert.equal(await shown({ "--output": "table" }), "as a table");
  assert.equal(await shown({ "--output": "json" }), '{\n  "count": 1.0\n}');
  assert.equal(await shown({ "--output": "yaml" }), "count: 1");
});

Deno.test("show() prints the usual form when none is asked for", async () => {
  assert.equal(await shown({}), "as a table");
  assert.equal(await shown({}, "json"), '{\n  "count": 1.0\n}');
});

Deno.test("counted() knows one from many", () => {
  assert.equal(counted(1, "report"), "1 report");
  assert.equal(counted(0, "report"), "0 reports");
  assert.equal(counted(2, "entry", "entries"), "2 entries");
});
