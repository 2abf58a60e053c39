import assert from "node:assert/strict";
import {
  OBSERVATION_LIFETIME_MS,
  OBSERVATIONS_FORM,
  PeerCache,
  type PeerObservation,
} from "../../src/store/peer_cache.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder } from "./open_store.ts";
import { storeContext } from "./store_context.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

const everyone = () => true;

function seen(peerId: string, atMs = NOW_MS): PeerObservation {
  return {
    peerId,
    lastTriedMs: atMs,
    lastSuccessMs: atMs,
    latencyMs: 1.5,
    tries: "01",
    score: 0.25,
    failures: [{ atMs: atMs - 1, reason: "unreachable" }],
    configVersion: { epoch: 1, version: 7 },
  };
}

function failed(peerId: string, atMs = NOW_MS): PeerObservation {
  const failures = [{ atMs, reason: "timeout" }] as const;
  return { peerId, lastTriedMs: atMs, tries: "0", score: 0, failures };
}

Deno.test("observations last across a restart, what is absent stays absent", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    assert.equal(cache.size, 0);
    cache.note(seen("n_b"));
    cache.note(failed("n_c"));
    await cache.flush();
    const again = PeerCache.open(opened.context);
    assert.deepEqual(again.get("n_b"), seen("n_b"));
    assert.deepEqual(again.get("n_c"), failed("n_c"));
    assert.equal(again.get("n_d"), undefined);
  }));

Deno.test("peer cache expiry works", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    cache.note(seen("n_old", NOW_MS - OBSERVATION_LIFETIME_MS));
    cache.note(seen("n_late", NOW_MS - OBSERVATION_LIFETIME_MS + 1));
    cache.note(seen("n_future", NOW_MS + OBSERVATION_LIFETIME_MS));
    cache.prune(NOW_MS, everyone);
    await cache.flush();
    const again = PeerCache.open(opened.context);
    assert.equal(again.size, 1);
    assert.ok(again.get("n_late"));
  }));

Deno.test("what was observed of a node that is no peer any more goes", () =>
  inFolder((dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    cache.note(seen("n_b"));
    cache.note(seen("n_c"));
    cache.prune(NOW_MS, (id) => id === "n_c");
    assert.equal(cache.get("n_b"), undefined);
    assert.ok(cache.get("n_c"));
  }));

Deno.test("a thousand observations of a flapping peer are no write, and then one", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    using opened = storeContext(dir, disk);
    const cache = PeerCache.open(opened.context);
    for (let at = 0; at < 1_000; at++) {
      cache.note(
        at % 2 ? seen("n_b", NOW_MS + at) : failed("n_b", NOW_MS + at),
      );
    }
    assert.deepEqual(
      disk.steps.filter((step) => step.startsWith("create")),
      [],
    );
    await cache.flush();
    await cache.flush();
    assert.equal(
      disk.steps.filter((step) => step.startsWith("create")).length,
      1,
    );
  }));

Deno.test("the cache is bounded, and those that were tried last stay", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    const { maxEntries, maxBytes, file } = OBSERVATIONS_FORM;
    for (let at = 0; at <= maxEntries; at++) {
      cache.note(failed(`n_${at}`, NOW_MS + at));
    }
    await cache.flush();
    const again = PeerCache.open(opened.context);
    assert.equal(again.size, maxEntries);
    assert.equal(again.get("n_0"), undefined);
    for (let at = 0; at <= maxEntries; at++) {
      cache.note(seen(`n_${at}_${"x".repeat(500)}`, NOW_MS + at));
    }
    await cache.flush();
    const { size } = Deno.statSync(`${opened.context.root}/${file}`);
    assert.ok(size <= maxBytes + 200, `${size} bytes`);
  }));

Deno.test("a peer is new until it was stored once, or had no room", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    assert.equal(cache.hasNew, false);
    cache.note(seen("n_b"));
    assert.equal(cache.hasNew, true);
    await cache.flush();
    cache.note(failed("n_b"));
    assert.equal(cache.hasNew, false);
    for (let at = 0; at <= OBSERVATIONS_FORM.maxEntries; at++) {
      cache.note(failed(`n_${at}`, NOW_MS + at));
    }
    await cache.flush();
    assert.equal(cache.hasNew, false);
    assert.equal(PeerCache.open(opened.context).hasNew, false);
  }));

Deno.test("forget() leaves nothing behind", () =>
  inFolder(async (dir) => {
    using opened = storeContext(dir);
    const cache = PeerCache.open(opened.context);
    cache.note(seen("n_b"));
    await cache.flush();
    await cache.forget();
    assert.equal(cache.size, 0);
    assert.equal(PeerCache.open(opened.context).size, 0);
  }));
