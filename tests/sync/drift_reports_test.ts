import assert from "node:assert/strict";
import { DriftReports } from "../../src/sync/drift_reports.ts";
import type { DriftReport } from "../../src/wire/bodies.ts";
import { settle } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function reportOf(n: number): DriftReport {
  return { timestamp: `2026-03-01T12:00:${n}Z`, corrections: [] };
}

/** Each call waits for the test. */
function setUp() {
  const log = new MemoryLog();
  const calls: { report: DriftReport; answer: PromiseWithResolvers<void> }[] =
    [];
  const reports = new DriftReports({
    send(report, signal) {
      const answer = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => answer.reject(signal.reason));
      calls.push({ report, answer });
      return answer.promise;
    },
    log,
  });
  const stop = new AbortController();
  const sent = () => calls.map(({ report }) => report);
  return { reports, calls, sent, stop, log };
}

Deno.test("DriftReports sends one report at a time, in order, whatever comes of them", async () => {
  const { reports, calls, sent, stop, log } = setUp();
  for (const n of [1, 2, 3]) reports.add(reportOf(n), stop.signal);
  assert.deepEqual(sent(), [reportOf(1)]);
  calls[0]!.answer.reject(new Error("Status 500"));
  await settle();
  assert.deepEqual(sent(), [reportOf(1), reportOf(2)]);
  calls[1]!.answer.resolve();
  await settle();
  calls[2]!.answer.resolve();
  await reports.idle();
  assert.deepEqual(sent(), [reportOf(1), reportOf(2), reportOf(3)]);
  assert.deepEqual(log.lines.map(({ message }) => message), [
    "Drift report failed",
  ]);
  // The next one begins anew.
  reports.add(reportOf(4), stop.signal);
  assert.equal(calls.length, 4);
  calls[3]!.answer.resolve();
  await reports.idle();
});

Deno.test("DriftReports keeps sixteen while one hangs, the newest, and says so", async () => {
  const { reports, calls, sent, stop, log } = setUp();
  for (let n = 0; n < 20; n++) reports.add(reportOf(n), stop.signal);
  assert.equal(log.lines.length, 3);
  for (let at = 0; at < calls.length; at++) {
    calls[at]!.answer.resolve();
    await settle();
  }
  const last = Array.from({ length: 16 }, (_, at) => reportOf(at + 4));
  assert.deepEqual(sent(), [reportOf(0), ...last]);
});

Deno.test("DriftReports sends a report that comes just as the last one ends", async () => {
  // At each step between the answer and the end of what waited for it.
  for (let steps = 0; steps < 8; steps++) {
    const { reports, calls, sent, stop } = setUp();
    reports.add(reportOf(1), stop.signal);
    calls[0]!.answer.resolve();
    for (let step = 0; step < steps; step++) await Promise.resolve();
    reports.add(reportOf(2), stop.signal);
    await settle();
    assert.deepEqual(sent(), [reportOf(1), reportOf(2)], `${steps} steps`);
    calls[1]!.answer.resolve();
    await reports.idle();
  }
});

Deno.test("DriftReports ends at once when it is stopped, without a word", async () => {
  const { reports, calls, stop, log } = setUp();
  for (const n of [1, 2]) reports.add(reportOf(n), stop.signal);
  stop.abort();
  await reports.idle();
  assert.equal(calls.length, 1);
  assert.deepEqual(log.lines, []);
});
