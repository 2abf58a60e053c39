import assert from "node:assert/strict";
import type { Membership } from "../../src/store/membership.ts";
import type { ReportCondition } from "../../src/store/report_job.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

function write(key: string, payload = "1", condition: ReportCondition = {}) {
  return { key, content: { contentType: "a/b", payload }, condition };
}

function payloads({ reports }: Membership): [string, string][] {
  return [...reports.view.entries].map(([key, { payload }]) => [key, payload]);
}

Deno.test("putAll() makes all reports durable with one sync of the folder, and visible at once", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    await store.reports.put("b", { contentType: "a/b", payload: "0" });
    const seen: number[] = [];
    store.reports.onChange(() => seen.push(store.reports.view.entries.size));
    disk.steps.length = 0;
    const entries = await store.reports.putAll(
      ["c", "b", "a"].map((key) => write(key)),
    );
    assert.deepEqual(
      entries.map(({ key, version }) => [key, version]),
      [["c", 1], ["b", 2], ["a", 1]],
    );
    assert.deepEqual(seen, [3]);
    assert.deepEqual(disk.steps.filter((step) => step === "sync"), ["sync"]);
    assert.equal(disk.steps.filter((step) => step === "rename").length, 3);
    assert.deepEqual(disk.unsynced, []);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(payloads(again.store), [["a", "1"], ["b", "1"], [
      "c",
      "1",
    ]]);
    await again.store.close();
  }));

Deno.test("putAll() writes nothing when one condition does not hold, and names its key", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.reports.putAll([write("old")]);
    const before = store.reports.view;
    await assert.rejects(
      store.reports.putAll([write("new"), write("old", "2", { ifMatch: 2 })]),
      { name: "ReportConflictError", kind: "version", key: "old" },
    );
    await assert.rejects(
      store.reports.putAll([
        write("new"),
        write("old", "2", { createOnly: true }),
      ]),
      { name: "ReportConflictError", kind: "exists", key: "old" },
    );
    assert.equal(store.reports.view, before);
    await store.close();
  }));

Deno.test("putAll() among other writes is decided in its turn, and takes none of them with it", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const content = { contentType: "a/b", payload: "0" };
    const [first, refused, last] = await Promise.allSettled([
      store.reports.put("k", content),
      store.reports.putAll([write("x"), write("k", "1", { ifMatch: 0 })]),
      store.reports.putAll([write("k", "2", { ifMatch: 1 }), write("y")]),
    ]);
    assert.deepEqual(
      [first.status, refused.status, last.status],
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(payloads(store), [["k", "2"], ["y", "1"]]);
    await store.close();
  }));

for (const [code, kind] of [["ENOSPC", "no_space"], ["EIO", "io"]] as const) {
  Deno.test(`putAll() fails as "${kind}" on ${code} at any step, and changes nothing, on disk either`, () =>
    inFolder(async (dir) => {
      for (let at = 1;; at++) {
        const folder = `${dir}/${at}`;
        const disk = new CrashDisk();
        const { store } = await openStore(folder, disk);
        await store.reports.putAll([write("a", "0"), write("b", "0")]);
        const before = store.reports.view;
        disk.plan({ at, then: "go_on", code });
        const outcome = await store.reports
          .putAll([write("b"), write("c"), write("a")])
          .then(() => "done", (error) => error);
        const now = store.reports.view;
        await store.close();
        if (outcome === "done") {
          assert.ok(!disk.reached && at > 6);
          return;
        }
        assert.equal(outcome.name, "StoreWriteError");
        assert.equal(outcome.kind, kind);
        assert.equal(now, before);
        const again = await openStore(folder);
        assert.deepEqual(payloads(again.store), [["a", "0"], ["b", "0"]]);
        assert.deepEqual(again.recovered, []);
        await again.store.close();
      }
    }));
}

Deno.test("a crash in the middle of putAll() leaves each report whole, as it was or as it was to be", () =>
  inFolder(async (dir) => {
    for (let at = 1;; at++) {
      const folder = `${dir}/${at}`;
      const disk = new CrashDisk();
      const { store } = await openStore(folder, disk);
      await store.reports.putAll([write("a", "0"), write("b", "0")]);
      disk.plan({ at, then: "end" });
      const done = await store.reports
        .putAll([write("b"), write("c"), write("a")])
        .then(() => true, () => false);
      await store.close().catch(() => {});
      const again = await openStore(folder);
      const found = new Map(payloads(again.store));
      assert.deepEqual(again.recovered, []);
      await again.store.close();
      if (done) {
        assert.deepEqual([...found.values()], ["1", "1", "1"]);
        return;
      }
      for (const key of ["a", "b"]) {
        assert.match(found.get(key) ?? "", /^[01]$/);
      }
      assert.ok([undefined, "1"].includes(found.get("c")));
    }
  }));
