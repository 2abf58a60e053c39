import assert from "node:assert/strict";
import { uptimeUsec } from "../../src/platform/uptime.ts";

Deno.test("uptimeUsec() is never before what the kernel says", async () => {
  const text = await Deno.readTextFile("/proc/uptime");
  const usec = uptimeUsec();
  assert.ok(usec >= parseFloat(text) * 1_000_000, `${usec}, ${text}`);
  assert.ok(Number.isInteger(usec));
});
