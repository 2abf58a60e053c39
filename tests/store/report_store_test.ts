import assert from "node:assert/strict";
import type { Membership } from "../../src/store/membership.ts";
import type { ReportCondition } from "../../src/store/report_job.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

function put(
  store: Membership,
  key: string,
  payload: string,
  condition?: ReportCondition,
) {
  return store.reports.put(key, { contentType: "a/b", payload }, condition);
}

Deno.test("put() counts versions from 1, and from 1 again after delete()", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    const first = await put(store, "k", `{"b":1.0,"a":2}`);
    assert.deepEqual(first, {
      key: "k",
      contentType: "a/b",
      payload: `{"b":1.0,"a":2}`,
      version: 1,
      updatedAt: "2026-03-01T12:00:00.000Z",
    });
    clock.jump(1_000);
    const second = await put(store, "k", "2");
    assert.equal(second.version, 2);
    assert.equal(second.updatedAt, "2026-03-01T12:00:01.000Z");
    assert.equal(await store.reports.delete("k"), true);
    assert.equal(await store.reports.delete("k"), false);
    assert.equal((await put(store, "k", "3")).version, 1);
    await store.close();
    const again = await openStore(dir);
    assert.equal(again.store.reports.get("k")?.payload, "3");
    await again.store.close();
  }));

const conditions: {
  stored: number;
  condition: ReportCondition;
  outcome: number | "version" | "exists";
}[] = [
  { stored: 0, condition: {}, outcome: 1 },
  { stored: 0, condition: { ifMatch: 0 }, outcome: 1 },
  { stored: 0, condition: { ifMatch: 1 }, outcome: "version" },
  { stored: 0, condition: { createOnly: true }, outcome: 1 },
  { stored: 2, condition: {}, outcome: 3 },
  { stored: 2, condition: { ifMatch: 2 }, outcome: 3 },
  { stored: 2, condition: { ifMatch: 1 }, outcome: "version" },
  { stored: 2, condition: { ifMatch: 0 }, outcome: "version" },
  { stored: 2, condition: { ifMatch: -1 }, outcome: "version" },
  { stored: 2, condition: { createOnly: true }, outcome: "exists" },
];
for (const { stored, condition, outcome } of conditions) {
  Deno.test(`put() with ${JSON.stringify(condition)} gives ${outcome} when version ${stored} is stored`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      for (let at = 0; at < stored; at++) await put(store, "k", `${at}`);
      const before = store.reports.view;
      const attempt = put(store, "k", `"new"`, condition);
      if (typeof outcome === "number") {
        assert.equal((await attempt).version, outcome);
      } else {
        await assert.rejects(attempt, {
          name: "ReportConflictError",
          kind: outcome,
          currentVersion: stored,
        });
        assert.equal(store.reports.view, before);
      }
      await store.close();
    }));
}

Deno.test("put() of many writers lets exactly one of each version through", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const attempts = Array.from(
      { length: 50 },
      (_, at) => put(store, "k", `${at}`, { ifMatch: at % 5 }),
    );
    const outcomes = await Promise.allSettled(attempts);
    const won = outcomes.flatMap((it) =>
      it.status === "fulfilled" ? [it.value.version] : []
    );
    assert.deepEqual(won, [1, 2, 3, 4, 5]);
    assert.equal(store.reports.get("k")?.version, 5);
    await store.close();
  }));

Deno.test("put() alone creates, renames and syncs, and does nothing else", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    await put(store, "k", "1");
    const before = disk.steps.length;
    await put(store, "k", "2");
    assert.deepEqual(disk.steps.slice(before), ["create", "rename", "sync"]);
    await store.close();
  }));

Deno.test("put() of many at once shares one sync of the folder", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    const before = disk.steps.length;
    await Promise.all(
      Array.from({ length: 32 }, (_, at) => put(store, `k${at}`, "1")),
    );
    const steps = disk.steps.slice(before);
    assert.equal(steps.filter((step) => step === "sync").length, 1);
    assert.equal(steps.filter((step) => step === "create").length, 32);
    await store.close();
  }));

Deno.test("put() and delete() of one batch end as if made one after the other", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await put(store, "old", "1");
    const results = await Promise.all([
      put(store, "new", "1"),
      store.reports.delete("new"),
      put(store, "new", "2"),
      store.reports.delete("old"),
      store.reports.delete("old"),
    ]);
    assert.equal(results[2].version, 1);
    assert.deepEqual(results.slice(3), [true, false]);
    await store.close();
    const again = await openStore(dir);
    const { entries } = again.store.reports.view;
    assert.deepEqual([...entries.keys()], ["new"]);
    assert.equal(entries.get("new")?.payload, "2");
    await again.store.close();
  }));

Deno.test("view stays the same object until something changes, sorted by key", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await Promise.all(["b", "c", "a"].map((key) => put(store, key, "1")));
    const held = store.reports.view;
    assert.deepEqual([...held.entries.keys()], ["a", "b", "c"]);
    assert.equal(store.reports.view, held);
    let told = 0;
    const end = store.reports.onChange(() => told++);
    await put(store, "a", "2");
    end();
    await put(store, "a", "3");
    assert.equal(told, 1);
    assert.equal(held.entries.get("a")?.payload, "1");
    assert.equal(store.reports.view.revision, held.revision + 2);
    await store.close();
  }));

const kinds = [
  { code: "ENOSPC", kind: "no_space" },
  { code: "EROFS", kind: "read_only" },
  { code: "EIO", kind: "io" },
];
for (const { code, kind } of kinds) {
  Deno.test(`put() and delete() alone fail as "${kind}" on ${code} at any step, and change nothing`, () =>
    inFolder(async (dir) => {
      const writes = {
        put: (store: Membership) => put(store, "k", "2"),
        create: (store: Membership) => put(store, "other", "2"),
        delete: (store: Membership) => store.reports.delete("k"),
      };
      for (const [name, write] of Object.entries(writes)) {
        for (let at = 1;; at++) {
          const folder = `${dir}/${name}${at}`;
          const disk = new CrashDisk();
          const { store } = await openStore(folder, disk);
          await put(store, "k", "1");
          const before = store.reports.view;
          disk.plan({ at, then: "go_on", code });
          const outcome = await write(store).then(() => "done", (it) => it);
          await store.close();
          if (outcome === "done") {
            assert.ok(!disk.reached && at > 2);
            break;
          }
          assert.equal(outcome.name, "StoreWriteError");
          assert.equal(outcome.kind, kind);
          assert.equal(store.reports.view, before);
          const again = await openStore(folder);
          assert.deepEqual(
            [...again.store.reports.view.entries],
            [...before.entries],
            `${name}, step ${at}`,
          );
          await again.store.close();
        }
      }
    }));
}

Deno.test("put() of many at once fails only for the one that the disk refuses", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { createNow } = CrashDisk.prototype;
    disk.createNow = (path, bytes) => {
      if (bytes.length > 10_000) {
        disk.plan({ at: 1, then: "go_on", code: "ENOSPC", only: "create" });
      }
      createNow.call(disk, path, bytes);
    };
    const { store } = await openStore(dir, disk);
    const outcomes = await Promise.allSettled([
      put(store, "a", "1"),
      put(store, "large", `"${"x".repeat(20_000)}"`),
      put(store, "b", "1", { ifMatch: 7 }),
      put(store, "c", "1"),
    ]);
    const told = outcomes.map((it) =>
      it.status === "fulfilled" ? it.value.key : it.reason.kind
    );
    assert.deepEqual(told, ["a", "no_space", "version", "c"]);
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual([...again.store.reports.view.entries.keys()], ["a", "c"]);
    await again.store.close();
  }));

Deno.test("put() of many at once survives a folder that fails to sync once", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    disk.plan({ at: 1, then: "go_on", only: "sync" });
    const entries = await Promise.all(
      ["a", "b"].map((key) => put(store, key, "1")),
    );
    assert.deepEqual(entries.map((it) => it.version), [1, 1]);
    await store.close();
  }));

const hostile = [
  "../../etc/passwd",
  "..",
  ".",
  "",
  ".tmp-x",
  "a/b",
  "a\\b",
  "nul\0byte",
  "x".repeat(300),
  "%2e%2e",
  "~",
  "\u{1f600}",
  "\ud800",
  "\udc00",
  "__proto__",
  "con.json",
  "line\nbreak",
];

Deno.test("put() keeps every key in a file of its own inside the store", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(`${dir}/in`);
    for (const key of hostile) await put(store, key, JSON.stringify(key));
    const data = hostile.map((key) => ({
      key,
      contentType: "a/b",
      payload: JSON.stringify(key),
      version: 1,
      updatedAt: "",
    }));
    await store.state.update(() => ({ data }));
    await store.close();
    for (const folder of ["report", "data"]) {
      const files = [...Deno.readDirSync(`${store.paths.state}/${folder}`)];
      assert.equal(files.length, hostile.length);
      for (const file of files) {
        assert.ok(
          file.isFile && /^[A-Za-z0-9_%~-][\x21-\x7e]*\.json$/.test(file.name),
        );
        assert.ok(file.name.length <= 255);
      }
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map((it) => it.name), ["in"]);
    const again = await openStore(`${dir}/in`);
    assert.deepEqual(again.recovered, []);
    for (const key of hostile) {
      assert.equal(again.store.reports.get(key)?.key, key);
      assert.equal(again.store.state.view.data.get(key)?.key, key);
      assert.equal(await again.store.reports.delete(key), true);
    }
    await again.store.close();
  }));
