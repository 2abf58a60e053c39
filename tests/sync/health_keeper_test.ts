import assert from "node:assert/strict";
import type { HealthRecord } from "../../src/store/health_store.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { HealthKeeper } from "../../src/sync/health_keeper.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";

async function whileKeeping(
  work: (running: {
    readonly clock: FakeClock;
    readonly degraded: Degraded;
    readonly saved: HealthRecord[];
    readonly failures: unknown[];
    pulled(ms: number): void;
    failing: boolean;
  }) => Promise<void>,
): Promise<HealthRecord[]> {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const saved: HealthRecord[] = [];
  let lastPullMs = 1;
  const running = {
    clock,
    degraded: new Degraded(clock, log),
    saved,
    failures: [] as unknown[],
    pulled(ms: number) {
      lastPullMs = ms;
    },
    failing: false,
  };
  const part = new HealthKeeper({
    health: running.degraded,
    contact: () => ({ lastPullMs }),
    nodeId: "node-1",
    store: {
      get record() {
        return saved.at(-1) ?? { reasons: [], contact: {} };
      },
      save(record) {
        if (running.failing) return Promise.reject(new Error("full"));
        saved.push(record);
        return Promise.resolve();
      },
    },
    onFailure: (failure) => running.failures.push(failure),
    io: { clock, random: new FakeRandom(), log },
  });
  const stop = new AbortController();
  const done = part.run(stop.signal);
  await clock.advance(0);
  await work(running);
  stop.abort();
  await done;
  return saved;
}

Deno.test("HealthKeeper stores a reason soon, and once for many changes", async () => {
  await whileKeeping(async ({ clock, degraded, saved }) => {
    degraded.raise("clock_skew", { detail: "ahead" });
    degraded.raise("equivocation", { detail: "two things" });
    await clock.advance(500);
    assert.equal(saved.length, 0);
    await clock.advance(500);
    assert.equal(saved.length, 1);
    const names = saved[0]!.reasons.map(({ reason }) => reason);
    assert.deepEqual(names, ["clock_skew", "equivocation"]);
    degraded.clear("clock_skew");
    await clock.advance(1_000);
    assert.equal(saved.length, 2);
    assert.equal(saved[1]!.reasons.length, 1);
  });
});

Deno.test("HealthKeeper stores times alone once a minute, and when it ends", async () => {
  const saved = await whileKeeping(async ({ clock, saved, pulled }) => {
    for (let ms = 2; ms < 50; ms++) {
      pulled(ms);
      await clock.advance(1_000);
    }
    assert.equal(saved.length, 0);
    await clock.advance(13_000);
    assert.equal(saved.length, 1);
    pulled(60);
  });
  assert.equal(saved.at(-1)?.contact.lastPullMs, 60);
  assert.equal(saved.at(-1)?.nodeId, "node-1");
});

Deno.test("HealthKeeper tells of a failed write, and waits before the next", async () => {
  await whileKeeping(async (running) => {
    const { clock, degraded, failures, saved } = running;
    running.failing = true;
    degraded.raise("clock_skew", { detail: "ahead" });
    await clock.advance(30_000);
    assert.equal(failures.length, 1);
    running.failing = false;
    await clock.advance(60_000);
    assert.equal(saved.length, 1);
  });
});

Deno.test("degraded-mode state is persisted and cleared correctly", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const run = async (work: (degraded: Degraded) => void) => {
      const { store, log } = await openStore(dataDir, undefined, clock);
      const degraded = new Degraded(clock, log);
      degraded.restore(store.health.record.reasons);
      const io = { clock, random: new FakeRandom(), log };
      const stop = new AbortController();
      const part = new HealthKeeper({
        health: degraded,
        contact: () => ({}),
        nodeId: "node-1",
        store: store.health,
        onFailure: (failure) => assert.fail(String(failure)),
        io,
      });
      const done = part.run(stop.signal);
      work(degraded);
      stop.abort();
      await done;
      await store.close();
    };
    await run((degraded) => {
      degraded.raise("control_plane_unreachable", { detail: "refused" });
      degraded.raise("insecure_tls", { detail: "as it is set" });
    });
    clock.jump(3_600_000);
    await run((degraded) => {
      const [unreachable, ...others] = degraded.list();
      assert.equal(unreachable?.since, "2026-03-01T12:00:00.000Z");
      assert.equal(unreachable?.detail, "refused");
      // What depends on the settings shows again only if they still say so.
      assert.deepEqual(others, []);
      degraded.raise("insecure_tls", { detail: "as it is set" });
      assert.equal(degraded.list()[1]?.since, "2026-03-01T12:00:00.000Z");
      degraded.clear("control_plane_unreachable");
      degraded.clear("insecure_tls");
    });
    await run((degraded) => assert.deepEqual(degraded.list(), []));
  }));
