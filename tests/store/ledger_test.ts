import assert from "node:assert/strict";
import type { Receipt } from "../../src/store/receipt_log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, type OpenedStore, openStore } from "./open_store.ts";

function receipt(at: number, issuedAtMs: number, type = "t"): Receipt {
  return {
    eventId: `event-${at}`,
    type,
    nonce: `nonce-${at}`,
    issuedAtMs,
    cursor: `${at}`,
  };
}

Deno.test("EventLedger knows after a restart what was recorded", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    const now = clock.now();
    assert.equal(store.events.cursor, undefined);
    const [a, b] = ["node_state_updated", "policy_updated"] as const;
    await store.events.record([receipt(1, now - 5, a), receipt(2, now, b)]);
    const { cursor: _, ...withoutCursor } = receipt(3, now - 9, a);
    await store.events.record([{ ...withoutCursor, carrier: "nats" }]);
    const check = (events: typeof store.events) => {
      assert.equal(events.cursor, "2");
      assert.ok(events.hasApplied("event-1") && events.hasApplied("event-3"));
      assert.equal(events.hasApplied("event-4"), false);
      const carriers = [1, 3, 4].map((at) => events.carrierOf(`event-${at}`));
      assert.deepEqual(carriers, ["sse", "nats", undefined]);
      assert.equal(events.lastIssuedMs("node_state_updated"), now - 5);
      assert.equal(events.lastIssuedMs("rotate_keys"), undefined);
      assert.deepEqual([...events.nonces()].map(({ nonce }) => nonce), [
        "nonce-1",
        "nonce-2",
        "nonce-3",
      ]);
    };
    check(store.events);
    await store.close();
    const again = await openStore(dir);
    check(again.store.events);
    await again.store.events.resetCursor();
    assert.equal(again.store.events.cursor, undefined);
    await again.store.close();
    const third = await openStore(dir);
    assert.equal(third.store.events.cursor, undefined);
    assert.ok(third.store.events.hasApplied("event-1"));
    assert.deepEqual(third.recovered, []);
    await third.store.close();
  }));

Deno.test("EventLedger keeps no times of types that nobody knows, of which there is no end", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    await store.events.record(
      Array.from(
        { length: 100 },
        (_, at) => receipt(at, clock.now(), `invented_${at}`),
      ),
    );
    assert.equal(store.events.lastIssuedMs("invented_7"), undefined);
    assert.ok(store.events.hasApplied("event-7"));
    await store.close();
  }));

Deno.test("EventLedger forgets nonces ten minutes after they were issued", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    await store.events.record([receipt(1, clock.now())]);
    clock.jump(600_000);
    assert.equal([...store.events.nonces()].length, 1);
    clock.jump(1);
    assert.equal([...store.events.nonces()].length, 0);
    assert.ok(store.events.hasApplied("event-1"));
    await store.close();
  }));

Deno.test("EventLedger stays bounded, keeps the latest 4096 ids and every live nonce", () =>
  inFolder(async (dir) => {
    const clock = new FakeClock();
    const { store } = await openStore(dir, undefined, clock);
    const total = 60_000;
    for (let at = 0; at < total; at += 1_000) {
      clock.jump(60_000);
      await store.events.record(
        Array.from(
          { length: 1_000 },
          (_, more) => receipt(at + more, clock.now()),
        ),
      );
    }
    const { size } = Deno.statSync(`${store.paths.trust}/seen.log`);
    await store.close();
    assert.ok(size < 8_000_000, `${size} bytes`);
    const again = await openStore(dir, undefined, clock);
    const { events } = again.store;
    assert.equal(events.hasApplied("event-0"), false);
    for (let at = total - 4_096; at < total; at++) {
      assert.ok(events.hasApplied(`event-${at}`));
    }
    assert.equal([...events.nonces()].length, 11_000);
    assert.equal(events.cursor, `${total - 1}`);
    assert.deepEqual(again.recovered, []);
    await again.store.close();
  }));

Deno.test("record() shares one sync among many callers, and appends no more than their lines", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store, clock } = await openStore(dir, disk);
    await store.events.record([receipt(0, clock.now())]);
    const before = disk.steps.length;
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, at) => store.events.record([receipt(at + 1, clock.now())]),
      ),
    );
    assert.deepEqual(disk.steps.slice(before), ["append"]);
    await store.close();
  }));

Deno.test("record() that fails counts for nothing, and the next one works", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store, clock } = await openStore(dir, disk);
    await store.events.record([receipt(1, clock.now())]);
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    const many = Array.from(
      { length: 20 },
      (_, at) => receipt(at + 2, clock.now()),
    );
    await assert.rejects(store.events.record(many), {
      name: "StoreWriteError",
      kind: "no_space",
    });
    assert.equal(store.events.hasApplied("event-2"), false);
    assert.equal(store.events.cursor, "1");
    await store.events.record([receipt(99, clock.now())]);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(again.recovered, []);
    assert.equal(again.store.events.hasApplied("event-2"), false);
    assert.equal(again.store.events.cursor, "99");
    await again.store.close();
  }));

Deno.test("EventLedger uses the sound lines of a damaged log, also after a second start", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    const now = clock.now();
    await store.events.record([receipt(1, now), receipt(2, now)]);
    await store.close();
    const path = `${store.paths.trust}/seen.log`;
    const text = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, text.replace("event-2", "event-X"));
    const told = [];
    for (let start = 0; start < 2; start++) {
      const again = await openStore(dir);
      told.push(again.recovered.length);
      assert.ok(again.store.events.hasApplied("event-1"));
      assert.equal(again.store.events.cursor, "1");
      await again.store.close();
    }
    assert.deepEqual(told, [1, 0]);
  }));

const content = (payload: string) => ({ contentType: "a/b", payload });

Deno.test("SyncLedger sees new, changed, deleted and re-created reports, across restarts", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    const { reports, syncLedger } = first.store;
    const pending = () => {
      const { entries, deleted } = syncLedger.pending(reports.view.entries);
      return [entries.map((it) => it.key), deleted];
    };
    assert.deepEqual(pending(), [[], []]);
    const a = await reports.put("a", content("1"));
    const b = await reports.put("b", content("1"));
    assert.deepEqual(pending(), [["a", "b"], []]);
    await syncLedger.markSynced({ entries: [a, b], deleted: [] });
    assert.deepEqual(pending(), [[], []]);
    await reports.delete("a");
    await reports.put("b", content("2"));
    assert.deepEqual(pending(), [["b"], ["a"]]);
    // Version 1 again, and another content than the control plane has.
    first.clock.jump(1);
    await reports.put("a", content("other"));
    await first.store.close();

    const second = await openStore(dir);
    const left = second.store.syncLedger.pending(
      second.store.reports.view.entries,
    );
    assert.deepEqual(left.entries.map((it) => it.key), ["a", "b"]);
    await second.store.syncLedger.markSynced(left);
    await second.store.reports.delete("b");
    await second.store.close();

    const third = await openStore(dir);
    assert.deepEqual(
      third.store.syncLedger.pending(third.store.reports.view.entries),
      { entries: [], deleted: ["b"] },
    );
    await third.store.syncLedger.markSynced({ entries: [], deleted: ["b"] });
    await third.store.close();
  }));

Deno.test("SyncLedger knows after a restart what may have arrived, until that is settled", () =>
  inFolder(async (dir) => {
    const after = async (
      work: (
        ledger: OpenedStore["store"]["syncLedger"],
      ) => Promise<void> | void,
    ) => {
      const { store } = await openStore(dir);
      await work(store.syncLedger);
      const { deleted } = store.syncLedger.pending(new Map());
      const known = ["a", "b", "c"].filter((it) =>
        store.syncLedger.mayHave(it)
      );
      assert.deepEqual(deleted, known);
      await store.close();
      return known;
    };
    assert.deepEqual(
      await after((it) => it.markSending(["a", "b", "c"])),
      ["a", "b", "c"],
    );
    assert.deepEqual(
      await after((it) => it.markSynced({ entries: [], deleted: ["b"] })),
      ["a", "c"],
    );
    // A refusal is written with what comes next, and not for itself.
    assert.deepEqual(await after((it) => it.markRefused(["c"])), ["a"]);
    assert.deepEqual(
      await after(async (it) => {
        it.markRefused(["c"]);
        await it.markSending(["c"]);
      }),
      ["a", "c"],
    );
    assert.deepEqual(
      await after(async (it) => {
        it.markRefused(["c"]);
        await it.markSynced({ entries: [], deleted: [] });
      }),
      ["a"],
    );
    assert.deepEqual(await after(() => {}), ["a"]);
  }));

Deno.test("markSynced() of an entry that has changed meanwhile leaves the change pending", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const sent = await store.reports.put("a", content("1"));
    const latest = await store.reports.put("a", content("2"));
    await store.syncLedger.markSynced({ entries: [sent], deleted: [] });
    const { entries } = store.syncLedger.pending(store.reports.view.entries);
    assert.deepEqual(entries, [latest]);
    await store.close();
  }));

Deno.test("markSynced() that fails leaves everything pending", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    const entry = await store.reports.put("a", content("1"));
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    await assert.rejects(
      store.syncLedger.markSynced({ entries: [entry], deleted: [] }),
      { name: "StoreWriteError", kind: "no_space" },
    );
    const { entries } = store.syncLedger.pending(store.reports.view.entries);
    assert.deepEqual(entries, [entry]);
    await store.close();
  }));
