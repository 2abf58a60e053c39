import assert from "node:assert/strict";
import { Degraded } from "../../src/sync/degraded.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("a reason keeps its beginning while its details change, and is logged once", () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const degraded = new Degraded(clock, log);
  degraded.raise("unauthorized", { detail: "Status 401" });
  clock.jump(2_000);
  const nextTryMs = clock.elapsed() + 1_000;
  degraded.raise("unauthorized", { detail: "Status 401 again", nextTryMs });
  // The clock is set while it waits.
  clock.jump(3_000);
  assert.deepEqual(degraded.list(), [{
    reason: "unauthorized",
    since: "2026-03-01T12:00:00.000Z",
    detail: "Status 401 again",
    works: "reads are served from the last verified state, reports are kept",
    next_try_at: "2026-03-01T12:00:06.000Z",
  }]);
  assert.equal(log.lines.length, 1);
});

Deno.test("clear() ends a reason, and says nothing about one that was not there", async () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const degraded = new Degraded(clock, log);
  degraded.clear("disk_full");
  assert.equal(log.lines.length, 0);
  degraded.raise("disk_full", { detail: "No space" });
  await clock.advance(2_000);
  degraded.clear("disk_full");
  assert.deepEqual(degraded.list(), []);
  assert.deepEqual(log.lines.at(-1)?.fields, {
    reason: "disk_full",
    lasted_ms: 2_000,
  });
});

for (const hour of [-3_600_000, 3_600_000]) {
  Deno.test(`how long a reason lasted is no matter of a clock that was set by ${hour} ms`, async () => {
    const clock = new FakeClock();
    const log = new MemoryLog();
    const degraded = new Degraded(clock, log);
    degraded.raise("clock_skew", { detail: "an hour" });
    await clock.advance(2_000);
    clock.jump(hour);
    degraded.raise("clock_skew", { detail: "some seconds" });
    degraded.clear("clock_skew");
    assert.equal(log.lines.at(-1)?.fields["lasted_ms"], 2_000);
  });
}

Deno.test("list() has one order, however reasons came", () => {
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  degraded.raise("insecure_tls", { detail: "-" });
  degraded.raise("control_plane_unreachable", { detail: "-" });
  assert.deepEqual(degraded.list().map(({ reason }) => reason), [
    "control_plane_unreachable",
    "insecure_tls",
  ]);
});
