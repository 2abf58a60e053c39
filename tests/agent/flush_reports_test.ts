import assert from "node:assert/strict";
import { flushReports } from "../../src/agent/flush_reports.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { configOf } from "./config_of.ts";

async function flushing() {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const degraded = new Degraded(clock, log);
  const config = await configOf({ "node_api.shutdown_timeout": "2s" });
  const io = { clock, random: new FakeRandom(), log };
  return { clock, degraded, context: { config, degraded, io } };
}

Deno.test("flushReports() gives the control plane as long as answers had, and no longer", async () => {
  const { clock, context } = await flushing();
  let reason: unknown;
  let isOver = false;
  const done = flushReports(context, {
    flush: (signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          resolve();
        }, { once: true });
      }),
  }).then(() => isOver = true);
  await clock.advance(1_999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await done;
  assert.match(String(reason), /has to end/);
});

Deno.test("flushReports() leaves no timer behind", async () => {
  const { clock, context } = await flushing();
  await flushReports(context, { flush: () => Promise.resolve() });
  await settle();
  assert.deepEqual(clock.sleeping, []);
});

for (const reason of ["control_plane_unreachable", "unauthorized"] as const) {
  Deno.test(`flushReports() asks nobody while the node is ${reason}`, async () => {
    const { degraded, context } = await flushing();
    degraded.raise(reason, { detail: "as a test says" });
    await flushReports(context, {
      flush: () => assert.fail("it was asked"),
    });
  });
}
