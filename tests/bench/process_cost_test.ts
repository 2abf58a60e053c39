import assert from "node:assert/strict";
import { cpuMsOf } from "../../scripts/bench/process_cost.ts";

Deno.test("cpuMsOf() adds both kinds of time, whatever the program is called", () => {
  const fields = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 8 0 100";
  for (const name of ["deno", "a b) 9 9", "((("]) {
    assert.equal(cpuMsOf(`4711 (${name}) ${fields}`), 3_000, name);
  }
});
