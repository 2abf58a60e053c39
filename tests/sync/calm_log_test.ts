import assert from "node:assert/strict";
import { calmLog } from "../../src/sync/calm_log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("calmLog() tells of what is tried all day a few times, and of what is new at once", async () => {
  const clock = new FakeClock();
  const lines = new MemoryLog();
  const log = calmLog(lines, clock);
  const told = (level: string) =>
    lines.lines.filter((line) => line.level === level);
  for (let attempt = 1; attempt <= 1_440; attempt++) {
    log.warn("Event stream lost", { error: "no route", attempt });
    await clock.advance(60_000);
  }
  assert.deepEqual(
    told("warn").slice(10).map(({ fields }) => fields["said"]),
    [20, 40, 80, 160, 320, 640, 1280],
  );
  assert.equal(told("debug").length, 1_440 - 17, "none is lost");

  log.warn("Event stream lost", { error: "status 503" });
  assert.deepEqual(told("warn").at(-1)?.fields, { error: "status 503" });
  log.with({ component: "x" }).error("Event stream lost");
  assert.deepEqual(told("error").at(-1)?.fields, { component: "x" });
});

Deno.test("calmLog() tells again of what has not been said for an hour", async () => {
  const clock = new FakeClock();
  const lines = new MemoryLog();
  const log = calmLog(lines, clock);
  for (let times = 0; times < 15; times++) log.error("It broke");
  assert.equal(lines.lines.at(-1)?.level, "debug");
  await clock.advance(3_600_000);
  log.error("It broke");
  assert.equal(lines.lines.at(-1)?.level, "error");
  for (let times = 0; times < 50; times++) log.info("Event applied");
  assert.equal(lines.lines.filter(({ level }) => level === "info").length, 50);
});
