import assert from "node:assert/strict";
import { noteChanges } from "../../src/agent/note_changes.ts";
import { ChangeFeed } from "../../src/node_api/watch/change_feed.ts";
import type { Membership } from "../../src/store/membership.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { eventually } from "../scenarios/eventually.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { entry, inFolder, openStore } from "../store/open_store.ts";

interface Noting {
  readonly store: Membership;
  readonly degraded: Degraded;
  readonly feed: ChangeFeed;
  /** What was noted since the last look, without its time. */
  news(): unknown[];
}

async function noting(
  work: (noting: Noting) => Promise<void>,
  disk?: Parameters<typeof openStore>[1],
): Promise<void> {
  await inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir, disk);
    try {
      const clock = new FakeClock();
      const feed = new ChangeFeed(clock, new FakeRandom());
      const degraded = new Degraded(clock, new MemoryLog());
      noteChanges(feed, store, degraded);
      let seen = 0;
      const news = () => {
        const list: unknown[] = [];
        while (seen < feed.last) {
          const { at: _at, ...rest } = JSON.parse(feed.get(++seen).json);
          list.push(rest);
        }
        return list;
      };
      await work({ store, degraded, feed, news });
    } finally {
      await store.close();
    }
  });
}

Deno.test("noteChanges() tells what the control plane has changed, and no value", () =>
  noting(async ({ store, news }) => {
    await store.state.update(() => ({
      metadata: new Map([["region", "canary-1"], ["zone", "a"]]),
      data: [entry("motd", '"canary-2"')],
      secretRefs: [{ key: "db", version: 3 }],
    }));
    const origin = "control_plane";
    assert.deepEqual(news(), [
      { kind: "metadata", key: "region", change: "added", origin },
      { kind: "metadata", key: "zone", change: "added", origin },
      { kind: "data", key: "motd", version: 1, change: "added", origin },
      { kind: "secrets", key: "db", version: 3, change: "added", origin },
    ]);
    await store.state.update(() => ({
      metadata: new Map([["region", "canary-3"]]),
      data: [],
      secretRefs: [{ key: "db", version: 4 }],
    }));
    const text = JSON.stringify(news());
    assert.doesNotMatch(text, /canary/);
    assert.deepEqual(JSON.parse(text), [
      { kind: "metadata", key: "region", change: "changed", origin },
      { kind: "metadata", key: "zone", change: "removed", origin },
      { kind: "data", key: "motd", change: "removed", origin },
      { kind: "secrets", key: "db", version: 4, change: "changed", origin },
    ]);
  }));

Deno.test("noteChanges() tells nothing where a state is pulled again as it was", () =>
  noting(async ({ store, feed, news }) => {
    const state = { data: [entry("a")], metadata: new Map([["k", "v"]]) };
    await store.state.update(() => state);
    assert.equal(news().length, 2);
    await store.state.update(() => ({ ...state, complete: true }));
    assert.equal(feed.last, 2);
  }));

Deno.test("noteChanges() tells of names of secrets that are learned and forgotten", () =>
  noting(async ({ store, news }) => {
    const told: unknown[] = [];
    const until = (count: number) =>
      eventually("it is told", () => {
        told.push(...news());
        return Promise.resolve(told.length === count || undefined);
      });
    store.secretNames.learn({ key: "db", version: 2 });
    await until(1);
    store.secretNames.forget("db");
    await until(2);
    assert.partialDeepStrictEqual(told, [
      { kind: "secrets", key: "db", version: 2 },
      { kind: "secrets", key: "db" },
    ]);
  }));

Deno.test("noteChanges() tells of reports, alone and many at once", () =>
  noting(async ({ store, news }) => {
    const content = { contentType: "text/plain", payload: '"canary"' };
    await store.reports.put("health", content);
    const [kind, origin] = ["report", "local"];
    assert.deepEqual(news(), [
      { kind, key: "health", version: 1, change: "added", origin },
    ]);
    await Promise.all([
      store.reports.put("health", { ...content, payload: "2" }),
      store.reports.put("brief", content),
      store.reports.delete("brief"),
      store.reports.put("disk", content),
    ]);
    assert.deepEqual(news(), [
      { kind, key: "health", version: 2, change: "changed", origin },
      { kind, key: "disk", version: 1, change: "added", origin },
    ]);
    await store.reports.delete("health");
    assert.deepEqual(news(), [
      { kind, key: "health", change: "removed", origin },
    ]);
  }));

Deno.test("noteChanges() tells when a degraded reason comes and when it is over", () =>
  noting(({ degraded, news }) => {
    degraded.raise("disk_full", { detail: "no space left" });
    degraded.raise("disk_full", { detail: "still none" });
    degraded.raise("clock_skew", { detail: "an hour" });
    degraded.clear("disk_full");
    const [kind, origin] = ["status", "local"];
    assert.deepEqual(news(), [
      { kind, key: "disk_full", change: "added", origin },
      { kind, key: "clock_skew", change: "added", origin },
      { kind, key: "disk_full", change: "removed", origin },
    ]);
    return Promise.resolve();
  }));

Deno.test("noteChanges() tells nothing that the disk has not taken", () => {
  const disk = new CrashDisk();
  return noting(async ({ store, news }) => {
    const content = { contentType: "text/plain", payload: "1" };
    disk.plan({ at: 1, then: "go_on", only: "rename" });
    await assert.rejects(store.reports.put("health", content));
    assert.equal(disk.reached, true);
    disk.plan({ at: 1, then: "go_on", only: "rename" });
    await assert.rejects(
      store.state.update(() => ({ metadata: new Map([["k", "v"]]) })),
    );
    assert.deepEqual(news(), []);
    await store.reports.put("health", content);
    assert.equal(news().length, 1);
  }, disk);
});
