import assert from "node:assert/strict";
import { Degraded } from "../../src/sync/degraded.ts";
import type { ToldRecovery } from "../../src/sync/agent_health.ts";
import {
  HEALTH_REPORT_KEY,
  HealthReport,
  withdrawHealthReport,
} from "../../src/sync/health_report.ts";
import { DEGRADED_REASONS } from "../../src/wire/status.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

interface Running {
  readonly clock: FakeClock;
  readonly degraded: Degraded;
  /** What was written, oldest first. */
  readonly written: string[];
  /** That many of the next writes fail. */
  failures: number;
  /** What was repaired. */
  readonly recoveries: ToldRecovery[];
}

async function whileReporting(
  work: (running: Running) => Promise<void>,
  written: string[] = [],
) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const running = {
    clock,
    degraded: new Degraded(clock, log),
    written,
    failures: 0,
    recoveries: [] as ToldRecovery[],
  };
  const part = new HealthReport({
    health: running.degraded,
    reports: {
      get: (key) => {
        assert.equal(key, HEALTH_REPORT_KEY);
        const payload = written.at(-1);
        return payload === undefined ? undefined : { payload };
      },
      put(key, { contentType, payload }) {
        assert.equal(key, HEALTH_REPORT_KEY);
        assert.equal(contentType, "application/json");
        if (running.failures-- > 0) return Promise.reject(new Error("full"));
        written.push(payload);
        return Promise.resolve();
      },
    },
    recoveries: () => running.recoveries,
    debounceMs: 1_000,
    io: { clock, random: new FakeRandom(), log },
  });
  const stop = new AbortController();
  const done = part.run(stop.signal);
  try {
    await clock.advance(0);
    await work(running);
  } finally {
    stop.abort();
    await done;
  }
  assert.deepEqual(clock.sleeping, []);
}

Deno.test("HealthReport writes nothing on a node that was always well", () =>
  whileReporting(async ({ clock, written }) => {
    await clock.advance(3_600_000);
    assert.deepEqual(written, []);
  }));

Deno.test("HealthReport tells what is wrong once it has settled, and when that is over", () =>
  whileReporting(async ({ clock, degraded, written }) => {
    degraded.raise("disk_full", { detail: "no space" });
    await clock.advance(500);
    degraded.raise("clock_skew", { detail: "an hour ahead" });
    await clock.advance(500);
    assert.deepEqual(written.map((text) => JSON.parse(text)), [{
      status: "degraded",
      reasons: [
        {
          reason: "disk_full",
          since: "2026-03-01T12:00:00.000Z",
          detail: "no space",
        },
        {
          reason: "clock_skew",
          since: "2026-03-01T12:00:00.500Z",
          detail: "an hour ahead",
        },
      ],
    }]);
    degraded.clear("disk_full");
    degraded.clear("clock_skew");
    await clock.advance(60_000);
    assert.deepEqual(written.slice(1), ['{"status":"ok","reasons":[]}']);
  }));

Deno.test("HealthReport writes at a bounded rate, whatever flaps", () =>
  whileReporting(async ({ clock, degraded, written }) => {
    for (let n = 0; n < 300; n++) {
      degraded.raise("control_plane_unreachable", { detail: `try ${n}` });
      await clock.advance(1_500);
      degraded.clear("control_plane_unreachable");
      await clock.advance(500);
    }
    assert.ok(written.length > 5, `${written.length} writes`);
    assert.ok(written.length <= 600 / 30 + 1, `${written.length} writes`);
  }));

Deno.test("HealthReport does not write again for news of a reason that stays", () =>
  whileReporting(async ({ clock, degraded, written }) => {
    degraded.raise("unauthorized", { detail: "Status 401" });
    await clock.advance(60_000);
    degraded.raise("unauthorized", { detail: "Status 403" });
    await clock.advance(60_000);
    assert.equal(written.length, 1);
  }));

Deno.test("HealthReport tries again after a write that failed", () =>
  whileReporting(async (running) => {
    const { clock, degraded, written } = running;
    running.failures = 2;
    degraded.raise("disk_full", { detail: "no space" });
    await clock.advance(120_000);
    assert.equal(written.length, 1);
  }));

Deno.test("HealthReport puts right what an earlier run has left", () =>
  whileReporting(async ({ clock, written }) => {
    await clock.advance(1_000);
    assert.deepEqual(written.slice(1), ['{"status":"ok","reasons":[]}']);
  }, ['{"status":"degraded","reasons":[]}']));

Deno.test("HealthReport tells of every repair, also of one that is over at once", () =>
  whileReporting(async ({ clock, degraded, recoveries, written }) => {
    const repair = { at: "2026-03-01T12:00:00.000Z", what: "torn" };
    recoveries.push({ ...repair, file: "state/data/a.json" });
    degraded.raise("corruption_recovered", { detail: "state/data/a.json" });
    degraded.clear("corruption_recovered");
    await clock.advance(60_000);
    const told = (count: number, file: string) => ({
      status: "ok",
      reasons: [],
      recoveries: { count, last: { ...repair, file } },
    });
    const [first = ""] = written;
    assert.deepEqual(JSON.parse(first), told(1, "state/data/a.json"));
    assert.equal(written.length, 1);

    recoveries.push({ ...repair, file: "state/data/b.json" });
    degraded.raise("corruption_recovered", { detail: "state/data/b.json" });
    degraded.clear("corruption_recovered");
    await clock.advance(60_000);
    const [, second = ""] = written;
    assert.deepEqual(JSON.parse(second), told(2, "state/data/b.json"));
    assert.equal(written.length, 2);
  }));

Deno.test("HealthReport stays within what dialect 2 takes", () =>
  whileReporting(async ({ clock, degraded, recoveries, written }) => {
    const what = "日本語".repeat(100);
    recoveries.push({ at: "2026-03-01T12:00:00.000Z", file: what, what });
    for (const reason of DEGRADED_REASONS) {
      degraded.raise(reason, { detail: "日本語😀".repeat(100) });
    }
    await clock.advance(1_000);
    const [text = ""] = written;
    assert.ok(new TextEncoder().encode(text).length <= 4_096);
    assert.equal(JSON.parse(text).reasons.length, DEGRADED_REASONS.length);
  }));

Deno.test("a report of an earlier run is withdrawn where heartbeats tell", async () => {
  const kept = new Map([[HEALTH_REPORT_KEY, { payload: "{}" }]]);
  const stop = new AbortController();
  const part = withdrawHealthReport({
    reports: {
      get: (key) => kept.get(key),
      delete: (key) => Promise.resolve(kept.delete(key)),
    },
    io: { log: new MemoryLog() },
  });
  const done = part.run(stop.signal);
  assert.deepEqual([...kept], []);
  stop.abort();
  await done;
});
