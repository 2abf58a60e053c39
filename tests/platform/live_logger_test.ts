import assert from "node:assert/strict";
import { liveLogger } from "../../src/platform/live_logger.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("liveLogger() takes everybody who holds it along", () => {
  const [first, second] = [new MemoryLog(), new MemoryLog()];
  const live = liveLogger(first);
  const part = live.log.with({ component: "a" }).with({ more: 1 });
  part.info("before");
  live.use(second);
  part.warn("after", { kind: "x" });
  live.log.error("plain");
  assert.deepEqual(first.lines, [
    { level: "info", message: "before", fields: { component: "a", more: 1 } },
  ]);
  assert.deepEqual(second.lines, [
    {
      level: "warn",
      message: "after",
      fields: { component: "a", more: 1, kind: "x" },
    },
    { level: "error", message: "plain", fields: {} },
  ]);
});
