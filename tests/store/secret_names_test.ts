import assert from "node:assert/strict";
import {
  MAX_SECRET_NAMES,
  SECRET_NAMES_FILE,
} from "../../src/store/secret_names.ts";
import { eventually } from "../scenarios/eventually.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

Deno.test("names of secrets that were read are known after a restart, with their versions and sorted", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const { secretNames } = store;
    const told: string[][] = [];
    secretNames.onChange((_before, after) =>
      told.push(after.map(({ key, version }) => `${key}@${version}`))
    );
    secretNames.learn({ key: "tls", version: 1 });
    secretNames.learn({ key: "db", version: 3 });
    // What is not on disk yet is not shown.
    assert.deepEqual(secretNames.refs, []);
    await eventually(
      "they are stored",
      () => Promise.resolve(secretNames.refs.length === 2 || undefined),
    );
    secretNames.learn({ key: "tls", version: 2 });
    secretNames.learn({ key: "tls", version: 2 });
    secretNames.forget("db");
    secretNames.forget("never");
    await store.close();
    assert.deepEqual(told, [["db@3", "tls@1"], ["tls@2"]]);
    const again = await openStore(dir);
    assert.deepEqual(again.store.secretNames.refs, [{
      key: "tls",
      version: 2,
    }]);
    again.store.secretNames.reset();
    await again.store.close();
    const third = await openStore(dir);
    assert.deepEqual(third.store.secretNames.refs, []);
    await third.store.close();
    assert.deepEqual(third.recovered, []);
  }));

Deno.test("a thousand names are kept, and the one that was learned first gives way", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    for (let at = 0; at <= MAX_SECRET_NAMES; at++) {
      store.secretNames.learn({ key: `name-${at}`, version: 1 });
    }
    await store.close();
    const again = await openStore(dir);
    const names = again.store.secretNames.refs.map(({ key }) => key);
    assert.equal(names.length, MAX_SECRET_NAMES);
    assert.ok(!names.includes("name-0"));
    // The order in which they were learned lasts, too.
    again.store.secretNames.learn({ key: "newest", version: 1 });
    await again.store.close();
    const third = await openStore(dir);
    const left = third.store.secretNames.refs.map(({ key }) => key);
    assert.ok(!left.includes("name-1") && left.includes("name-2"));
    assert.ok(left.includes("newest"));
    await third.store.close();
  }));

Deno.test("the file of names holds names and versions, and no more", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    store.secretNames.learn({
      key: "db",
      version: 1,
      ...{ value: "c4n4ry" },
    });
    await store.close();
    const text = Deno.readTextFileSync(
      `${store.paths.root}/${SECRET_NAMES_FILE}`,
    );
    assert.match(text, /"entries":\[\{"key":"db","version":1\}\]/);
    assert.ok(!text.includes("c4n4ry"));
  }));

Deno.test("a disk that takes no names keeps nobody from reading, and they come with the next one", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store, log } = await openStore(dir, disk);
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    store.secretNames.learn({ key: "a", version: 1 });
    await eventually(
      "it was tried",
      () => Promise.resolve(disk.reached || undefined),
    );
    await eventually(
      "it is told",
      () => Promise.resolve(log.text.includes("not stored") || undefined),
    );
    assert.deepEqual(store.secretNames.refs, []);
    store.secretNames.learn({ key: "b", version: 1 });
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(
      again.store.secretNames.refs.map(({ key }) => key),
      ["a", "b"],
    );
    await again.store.close();
  }));
