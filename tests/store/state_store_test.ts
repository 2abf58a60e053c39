import assert from "node:assert/strict";
import type { StateView } from "../../src/store/state_view.ts";
import { withSum } from "../../src/store/summed_json.ts";
import { CrashDisk } from "./crash_disk.ts";
import { entry, inFolder, openStore, WEB } from "./open_store.ts";

const zone = (value: string) => ({ metadata: new Map([["zone", value]]) });

Deno.test("StateStore starts empty and incomplete", () =>
  inFolder(async (dir) => {
    const { store, recovered } = await openStore(dir);
    const { metadata, data, complete, position, revision } = store.state.view;
    assert.deepEqual(
      [metadata.size, data.size, complete, position, revision],
      [0, 0, false, undefined, 0],
    );
    assert.deepEqual(recovered, []);
    await store.close();
  }));

Deno.test("update() keeps parts that a change leaves out, and sorts the others", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.state.update(() => ({
      ...zone("a"),
      data: [entry("b"), entry("a")],
      secretRefs: [{ key: "z", version: 1 }, { key: "y", version: 2 }],
    }));
    const view = await store.state.update(() => ({ complete: true }));
    assert.deepEqual([...view.data.keys()], ["a", "b"]);
    assert.deepEqual(view.secretRefs.map((ref) => ref.key), ["y", "z"]);
    assert.equal(view.metadata.get("zone"), "a");
    assert.equal(view.complete, true);
    await store.close();
  }));

Deno.test("update() forgets its position for null, and only for that", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    const position = { epoch: 3, version: 9 };
    await store.state.update(() => ({ position }));
    await store.state.update(() => ({ metadata: new Map([["a", "1"]]) }));
    assert.deepEqual(store.state.view.position, position);
    await store.state.update(() => ({ position: null }));
    assert.equal(store.state.view.position, undefined);
    await store.close();
    const reopened = await openStore(dataDir);
    assert.equal(reopened.store.state.view.position, undefined);
    assert.equal(reopened.store.state.view.metadata.get("a"), "1");
    await reopened.store.close();
  }));

Deno.test("update() keeps payloads byte for byte across a restart", () =>
  inFolder(async (dir) => {
    const payloads = [
      `{ "b":1.0, "a":1e400,\n"b":2 }`,
      `"<\\u00e9&\u2028 \u{1f600}"`,
      `{"version":1,"updated_at":"no","_sum":"x"}`,
      `"\\",\\"version\\":2,\\"updated_at\\":"`,
      "12345678901234567890",
    ];
    const data = payloads.map((payload, at) => entry(`k${at}`, payload));
    const policies = [{ id: "p", rules: `[ {"b":1.0,"a":2} ]` }];
    const { store } = await openStore(dir);
    await store.state.update(() => ({ data, policies }));
    await store.close();
    const again = await openStore(dir);
    const { view } = again.store.state;
    assert.deepEqual([...view.data.values()], data);
    assert.deepEqual(view.policies, policies);
    await again.store.close();
  }));

Deno.test("services last across a restart, until a change leaves them out", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    await first.store.state.update(() => ({ services: [WEB] }));
    await first.store.close();
    const second = await openStore(dir);
    assert.deepEqual(second.store.state.view.services, [WEB]);
    await second.store.state.update(() => ({ services: [] }));
    await second.store.close();
    const third = await openStore(dir);
    assert.deepEqual(third.store.state.view.services, []);
    assert.deepEqual(third.recovered, []);
    await third.store.close();
  }));

Deno.test("a store of a version that knew no services opens as it is", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    await first.store.state.update(() => zone("a"));
    await first.store.close();
    const path = `${dir}/clusters/default/state/.sums`;
    const { parts, _sum, ...rest } = JSON.parse(Deno.readTextFileSync(path));
    const { services, ...old } = parts;
    assert.equal(services, null);
    const { bytes } = withSum(JSON.stringify({ ...rest, parts: old }));
    Deno.writeFileSync(path, bytes);
    const second = await openStore(dir);
    assert.deepEqual(second.recovered, []);
    assert.equal(second.store.state.view.metadata.get("zone"), "a");
    assert.deepEqual(second.store.state.view.services, []);
    await second.store.close();
  }));

Deno.test("update() decides on what was queued before it and not yet written", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const seen: (string | undefined)[] = [];
    const views = await Promise.all(
      ["a", "b", "c"].map((value) =>
        store.state.update((latest) => {
          seen.push(latest.metadata.get("zone"));
          return zone(value);
        })
      ),
    );
    assert.deepEqual(seen, [undefined, "a", "b"]);
    assert.equal(views[0]!.metadata.get("zone"), "c");
    await store.close();
  }));

Deno.test("update() writes a burst with few commits", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    const before = disk.steps.length;
    await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        store.state.update(() => ({
          ...zone(`${at}`),
          position: { epoch: 1, version: at + 1 },
        }))),
    );
    // Sums and metadata, each created and renamed, and two syncs of the folder.
    assert.equal(disk.steps.length - before, 6);
    await store.close();
  }));

Deno.test("update() of one entry in thousands writes that entry and the sums", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    const data = Array.from({ length: 2000 }, (_, at) => entry(`k${at}`));
    await store.state.update(() => ({ data }));
    const before = disk.steps.length;
    data[7] = entry("k7", "2", 2);
    await store.state.update(() => ({ data }));
    const created = disk.steps.slice(before).filter((it) => it === "create");
    assert.equal(created.length, 2);
    await store.close();
  }));

Deno.test("update() takes what differs in any order, with keys that come, go and stand twice", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const lists = [
      [entry("a"), entry("b"), entry("c")],
      [entry("a"), entry("b", "2", 2), entry("c")],
      [entry("c", "3", 3), entry("b", "2", 2), entry("a")],
      [entry("a"), entry("a", "4", 4), entry("c")],
      [entry("d"), entry("e")],
      [entry("e"), entry("f")],
    ];
    for (const data of lists) {
      const before = store.state.view;
      const shown = [...before.data];
      const view = await store.state.update(() => ({ data }));
      const wanted = new Map(data.map((one) => [one.key, one]));
      assert.deepEqual([...view.data.keys()], [...wanted.keys()].sort());
      assert.deepEqual(view.data, wanted);
      assert.deepEqual([...before.data], shown);
    }
    const { data } = store.state.view;
    await store.close();
    const { store: again, recovered } = await openStore(dir);
    assert.deepEqual(again.state.view.data, data);
    assert.deepEqual(recovered, []);
    await again.close();
  }));

Deno.test("update() writes nothing when nothing differs", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    const data = [entry("a"), entry("b")];
    const first = await store.state.update(() => ({ data, ...zone("a") }));
    const before = disk.steps.length;
    const copies = data.map((it) => ({ ...it })).reverse();
    const second = await store.state.update(() => ({
      data: copies,
      ...zone("a"),
    }));
    await store.state.update(() => undefined);
    assert.equal(second, first);
    assert.equal(disk.steps.length, before);
    await store.close();
  }));

Deno.test("view never changes for whoever holds it, nor with what was handed in", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const metadata = new Map([["zone", "a"]]);
    const handedIn = { ...entry("k") };
    const held = await store.state.update(() => ({
      metadata,
      data: [handedIn],
    }));
    metadata.set("zone", "hacked");
    Reflect.set(handedIn, "payload", "hacked");
    await store.state.update(() => ({ ...zone("b"), data: [] }));
    assert.equal(held.metadata.get("zone"), "a");
    assert.deepEqual(held.data.get("k"), entry("k"));
    assert.equal(store.state.view.revision, held.revision + 1);
    await store.close();
  }));

Deno.test("onChange() tells of each commit once it can be read, until it is ended", () =>
  inFolder(async (dir) => {
    const { store, log } = await openStore(dir);
    const told: [StateView, StateView, boolean][] = [];
    store.state.onChange(() => {
      throw new Error("broken listener");
    });
    const end = store.state.onChange((view, previous) =>
      told.push([view, previous, view === store.state.view])
    );
    const before = store.state.view;
    const after = await store.state.update(() => zone("a"));
    end();
    await store.state.update(() => zone("b"));
    assert.deepEqual(told, [[after, before, true]]);
    assert.match(log.text, /broken listener/);
    await store.close();
  }));

Deno.test("update() whose decision throws fails alone", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const bad = store.state.update(() => {
      throw new RangeError("no");
    });
    const good = store.state.update(() => zone("a"));
    await assert.rejects(bad, RangeError);
    assert.equal((await good).metadata.get("zone"), "a");
    await store.close();
  }));

const failures = [
  { code: "ENOSPC", kind: "no_space" },
  { code: "EDQUOT", kind: "no_space" },
  { code: "EROFS", kind: "read_only" },
  { code: "EIO", kind: "io" },
];
for (const { code, kind } of failures) {
  Deno.test(`update() fails as "${kind}" on ${code}, at any step, and the next one works`, () =>
    inFolder(async (dir) => {
      for (let at = 1;; at++) {
        const disk = new CrashDisk();
        const { store, recovered } = await openStore(`${dir}/${at}`, disk);
        const old = await store.state.update(() => ({
          ...zone("a"),
          data: [entry("same"), entry("gone")],
        }));
        disk.plan({ at, then: "go_on", code });
        const attempts = [
          { ...zone("b"), data: [entry("same"), entry("new")] },
          { complete: true },
        ].map((change) => store.state.update(() => change));
        const outcomes = await Promise.allSettled(attempts);
        if (!disk.reached) {
          assert.ok(at > 10);
          await store.close();
          return;
        }
        for (const outcome of outcomes) {
          assert.ok(outcome.status === "rejected");
          assert.equal(outcome.reason.name, "StoreWriteError");
          assert.equal(outcome.reason.kind, kind);
        }
        assert.equal(store.state.view, old);
        const next = await store.state.update((latest) => {
          assert.equal(latest.metadata.get("zone"), "a");
          return { data: [entry("later"), entry("same")] };
        });
        await store.close();
        const again = await openStore(`${dir}/${at}`);
        const { view } = again.store.state;
        assert.deepEqual([recovered, again.recovered], [[], []]);
        assert.deepEqual([...view.data], [...next.data], `step ${at}`);
        assert.deepEqual([...view.metadata], [["zone", "a"]], `step ${at}`);
        assert.deepEqual(
          [...Deno.readDirSync(`${dir}/${at}/clusters/default/tmp`)],
          [],
        );
        await again.store.close();
      }
    }));
}

Deno.test("update() that fails is not there after a restart either", () =>
  inFolder(async (dir) => {
    for (let at = 1, done = false; !done; at++) {
      const disk = new CrashDisk();
      const { store } = await openStore(`${dir}/${at}`, disk);
      await store.state.update(() => ({ ...zone("a"), data: [entry("k")] }));
      disk.plan({ at, then: "go_on" });
      done = await store.state.update(() => ({ ...zone("b"), data: [] }))
        .then(() => true, () => false);
      await store.close();
      const again = await openStore(`${dir}/${at}`);
      const { metadata, data } = again.store.state.view;
      assert.equal(metadata.get("zone"), done ? "b" : "a", `step ${at}`);
      assert.equal(data.size, done ? 0 : 1, `step ${at}`);
      assert.deepEqual(again.recovered, []);
      await again.store.close();
    }
  }));

Deno.test("update() that fails and cannot be undone is undone by the next one", () =>
  inFolder(async (dir) => {
    // Creates, then the sums' name, then nothing more: the way back is shut too.
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    await store.state.update(() => ({ ...zone("a"), data: [entry("k")] }));
    let broken = true;
    const { rename } = CrashDisk.prototype;
    let renames = 0;
    disk.rename = (from, to) => {
      if (broken && ++renames > 1) throw new Error("stuck");
      rename.call(disk, from, to);
    };
    const failed = store.state.update(() => ({ ...zone("b"), data: [] }));
    await assert.rejects(failed, { name: "StoreWriteError", kind: "io" });
    broken = false;
    await store.state.update(() => undefined);
    await store.close();
    const again = await openStore(dir);
    assert.equal(again.store.state.view.metadata.get("zone"), "a");
    assert.ok(again.store.state.view.data.has("k"));
    assert.deepEqual(again.recovered, []);
    await again.store.close();
  }));

Deno.test("close() finishes what is queued and refuses what comes later", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const last = store.state.update(() => zone("last"));
    await store.close();
    assert.equal((await last).metadata.get("zone"), "last");
    await assert.rejects(store.state.update(() => zone("late")), TypeError);
    await store.close();
  }));
