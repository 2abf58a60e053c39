import assert from "node:assert/strict";
import {
  runtimeCpuTimes,
  runtimeMemory,
} from "../../src/agent/runtime_load.ts";
import { parseMemory } from "../../src/sync/proc_text.ts";

Deno.test("runtimeCpuTimes() counts up, busy within all", () => {
  const first = runtimeCpuTimes();
  const second = runtimeCpuTimes();
  assert.ok(first && second);
  assert.ok(first.busy > 0 && first.busy < first.total);
  assert.ok(second.total >= first.total);
});

Deno.test("runtimeMemory() says what the kernel does", async () => {
  const told = parseMemory(await Deno.readTextFile("/proc/meminfo"));
  assert.equal(runtimeMemory()?.total, told?.total);
});
