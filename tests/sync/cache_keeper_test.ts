import assert from "node:assert/strict";
import { OBSERVATION_LIFETIME_MS } from "../../src/store/peer_cache.ts";
import { PeerCache } from "../../src/store/peer_cache.ts";
import { RouteCache } from "../../src/store/route_cache.ts";
import type { StateStore } from "../../src/store/state_store.ts";
import { CacheKeeper } from "../../src/sync/cache_keeper.ts";
import { ROUTE_LIFETIME_MS } from "../../src/sync/compute_routes.ts";
import type { Peer } from "../../src/wire/state.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { inFolder, openStore, WEB } from "../store/open_store.ts";
import { storeContext } from "../store/store_context.ts";

const B: Peer = {
  id: "n_b",
  publicKey: "k",
  meshIp: "10.42.0.2",
  endpoint: "192.0.2.2:51820",
  allowedIps: [],
};
const C: Peer = { ...B, id: "n_c", meshIp: "10.42.0.3" };

interface Keeping {
  readonly part: CacheKeeper;
  readonly state: StateStore;
  readonly peerCache: PeerCache;
  readonly routes: RouteCache;
  readonly clock: FakeClock;
  readonly disk: CrashDisk;
  readonly failures: unknown[];
  /** Writes to the caches' files so far. */
  writes(): number;
  /** What a restart would find. */
  stored(): { readonly peers: PeerCache; readonly routes: RouteCache };
}

/** Keeps caches on a real store while a test works. */
async function whileKeeping(
  work: (keeping: Keeping) => Promise<void>,
  after: (keeping: Keeping) => void = () => {},
) {
  await inFolder(async (dir) => {
    const clock = new FakeClock();
    const { store } = await openStore(`${dir}/state`, undefined, clock);
    const disk = new CrashDisk();
    using opened = storeContext(`${dir}/caches`, disk, clock);
    const { context } = opened;
    const parts = {
      state: store.state,
      peerCache: PeerCache.open(context),
      routes: RouteCache.open(context),
      clock,
      disk,
      failures: [] as unknown[],
      writes: () =>
        disk.steps.filter((step) => step.startsWith("rename")).length,
      stored: () => ({
        peers: PeerCache.open(context),
        routes: RouteCache.open(context),
      }),
    };
    const part = new CacheKeeper({
      ...parts,
      onFailure: (failure) => parts.failures.push(failure),
      io: { clock, random: new FakeRandom(), log: new MemoryLog() },
    });
    const keeping: Keeping = { part, ...parts };
    await store.state.update(() => ({ peers: [B], complete: true }));
    const stop = new AbortController();
    const done = part.run(stop.signal);
    await settled(keeping);
    await work(keeping);
    stop.abort();
    await done;
    after(keeping);
    await store.close();
  });
}

/** Until the keeper waits for time again, however slow the disk is. */
async function settled({ clock }: Pick<Keeping, "clock">) {
  const limit = performance.now() + 30_000;
  do {
    await clock.advance(0);
    if (clock.sleeping.length > 0) return;
  } while (performance.now() < limit);
  assert.fail("the keeper does not come to rest");
}

/** Time goes on, and the keeper does all that is due meanwhile. */
async function passed(keeping: Keeping, ms: number) {
  for (let left = ms; left > 0;) {
    await settled(keeping);
    const step = Math.min(left, keeping.clock.sleeping[0]!);
    await keeping.clock.advance(step);
    left -= step;
  }
  await settled(keeping);
}

function note({ peerCache, clock }: Keeping, peerId: string, answered = true) {
  peerCache.note({
    peerId,
    lastTriedMs: clock.now(),
    ...(answered ? { lastSuccessMs: clock.now(), latencyMs: 1 } : {}),
    tries: answered ? "1" : "0",
    score: answered ? 1 : 0,
    failures: [],
  });
}

const destinations = (routes: RouteCache) =>
  routes.routes.map(({ destination }) => destination);

Deno.test("routes that are missing are rebuilt at the start", () =>
  whileKeeping((keeping) => {
    assert.deepEqual(destinations(keeping.routes), ["10.42.0.2/32"]);
    assert.deepEqual(destinations(keeping.stored().routes), ["10.42.0.2/32"]);
    return Promise.resolve();
  }));

Deno.test("routes follow the directory soon, once for many changes", () =>
  whileKeeping(async (keeping) => {
    const { state, routes, writes } = keeping;
    const before = writes();
    for (let at = 0; at < 10; at++) {
      await state.update(() => ({ peers: at % 2 ? [B, C] : [B] }));
    }
    await settled(keeping);
    assert.equal(writes(), before);
    await passed(keeping, 5_000);
    assert.deepEqual(destinations(routes), ["10.42.0.2/32", "10.42.0.3/32"]);
    assert.equal(writes(), before + 1);
  }));

Deno.test("a peer that comes and goes causes one write in an interval, and one at the stop", () => {
  let before = 0;
  return whileKeeping(async (keeping) => {
    before = keeping.writes();
    for (let at = 0; at < 100; at++) {
      note(keeping, "n_b", at % 2 === 0);
      await passed(keeping, 1_000);
    }
    assert.equal(keeping.writes(), before);
    await passed(keeping, 200_000);
    // Observations and the routes that follow from them.
    assert.equal(keeping.writes(), before + 2);
    note(keeping, "n_b");
  }, (keeping) => {
    assert.equal(keeping.writes(), before + 4);
    assert.equal(keeping.stored().peers.get("n_b")?.score, 1);
  });
});

Deno.test("a look that is asked for comes soon, once for many", () =>
  whileKeeping(async (keeping) => {
    const before = keeping.writes();
    note(keeping, "n_b");
    for (let at = 0; at < 10; at++) keeping.part.soon();
    await passed(keeping, 5_000);
    // Observations and the routes that follow from them.
    assert.equal(keeping.writes(), before + 2);
    assert.equal(keeping.stored().peers.size, 1);
  }));

Deno.test("route cache expiry works", () =>
  whileKeeping(async (keeping) => {
    const { routes, clock, writes } = keeping;
    const [first] = routes.routes;
    const before = writes();
    await passed(keeping, ROUTE_LIFETIME_MS / 4);
    assert.equal(routes.routes[0], first);
    assert.equal(writes(), before);
    await passed(keeping, ROUTE_LIFETIME_MS / 2);
    assert.ok(routes.routes[0]!.expiresAtMs > first!.expiresAtMs);
    // While the machine slept they have all expired.
    clock.jump(10 * ROUTE_LIFETIME_MS);
    await passed(keeping, 300_000);
    assert.ok(routes.routes.every((one) => one.expiresAtMs > clock.now()));
    clock.jump(-20 * ROUTE_LIFETIME_MS);
    await passed(keeping, 300_000);
    const latest = clock.now() + ROUTE_LIFETIME_MS;
    assert.ok(routes.routes.every((one) => one.expiresAtMs <= latest));
  }));

Deno.test("observations expire, and go with the peer that they are of", () =>
  whileKeeping(async (keeping) => {
    const { state, peerCache } = keeping;
    await state.update(() => ({ peers: [B, C] }));
    note(keeping, "n_b");
    note(keeping, "n_c");
    await passed(keeping, 5_000);
    await state.update(() => ({ peers: [B] }));
    await passed(keeping, 5_000);
    assert.equal(peerCache.get("n_c"), undefined);
    assert.ok(peerCache.get("n_b"));
    await passed(keeping, OBSERVATION_LIFETIME_MS);
    assert.equal(peerCache.get("n_b"), undefined);
    assert.equal(keeping.stored().peers.size, 0);
  }));

Deno.test("an incomplete directory forgets no observation", () =>
  whileKeeping(async (keeping) => {
    note(keeping, "n_b");
    await keeping.state.update(() => ({ peers: [], complete: false }));
    await passed(keeping, 5_000);
    assert.ok(keeping.peerCache.get("n_b"));
  }));

Deno.test("a service whose time is over goes by itself", () =>
  whileKeeping(async (keeping) => {
    const { state, clock } = keeping;
    const { expiresAt: _, ...lasting } = { ...WEB, name: "db" };
    await state.update(() => ({ services: [WEB, lasting] }));
    await passed(keeping, 300_000);
    assert.equal(state.view.services.length, 2);
    clock.jump(Date.parse(WEB.expiresAt!) - clock.now());
    await passed(keeping, 300_000);
    assert.deepEqual(state.view.services, [lasting]);
  }));

Deno.test("a disk that fails is told, and the next interval tries again", () =>
  whileKeeping(async (keeping) => {
    note(keeping, "n_b");
    keeping.disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    await passed(keeping, 300_000);
    assert.equal(keeping.failures.length, 1);
    await passed(keeping, 300_000);
    assert.equal(keeping.failures.length, 1);
    assert.equal(keeping.stored().peers.size, 1);
  }));
