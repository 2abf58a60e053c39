import assert from "node:assert/strict";
import type { Disk } from "../../src/store/disk.ts";
import { systemDisk } from "../../src/store/disk.ts";
import {
  StoreOpenError,
  StoreReadError,
} from "../../src/store/store_errors.ts";
import { isShortage, typedReads } from "../../src/store/typed_reads.ts";
import { failure } from "./crash_disk.ts";
import { filesBelow, fillStore } from "./full_store.ts";
import { copyFolder, inFolder, openStore } from "./open_store.ts";

/** A disk on which reading one file fails. */
function failing(file: string, code: string): Disk {
  return {
    ...systemDisk,
    read(path) {
      if (path.endsWith(file)) throw failure(code);
      return systemDisk.read(path);
    },
  };
}

Deno.test("typedReads() names what cannot be read, and passes on what is missing", () => {
  const disk = typedReads(failing("/a", "EIO"));
  assert.throws(() => disk.read("/a"), (error) => {
    assert.ok(error instanceof StoreReadError);
    assert.equal(error.code, "EIO");
    assert.match(error.message, /^Cannot read \/a: EIO/);
    return true;
  });
  assert.throws(() => disk.read("/not/there"), Deno.errors.NotFound);
  assert.throws(() => disk.list("/not/there"), Deno.errors.NotFound);
});

Deno.test("isShortage() tells what passes from what does not", () => {
  for (const code of ["EMFILE", "ENFILE", "ENOMEM"]) {
    assert.ok(isShortage(new StoreReadError("/a", failure(code))), code);
  }
  for (const code of ["EIO", "EACCES", "ENOSPC"]) {
    assert.ok(!isShortage(new StoreReadError("/a", failure(code))), code);
  }
});

for (
  const file of [
    "health/health.json",
    "health/recoveries.json",
    "identity/spent-tokens.json",
    "state/.sums",
    "state/report/disk.json",
    "sync/reports.json",
    "trust/seen.log",
  ]
) {
  Deno.test(`a store without descriptors left to read ${file} is not opened, and loses nothing`, () =>
    inFolder(async (dataDir) => {
      await fillStore(dataDir);
      const before = filesBelow(`${dataDir}/clusters/default`);
      await assert.rejects(
        openStore(dataDir, failing(`/${file}`, "EMFILE")),
        StoreOpenError,
      );
      const after = filesBelow(`${dataDir}/clusters/default`);
      for (const files of [before, after]) files.delete("lock");
      assert.deepEqual(after, before);
    }));
}

/** What cannot be done without; all else is begun anew, fetched or left out. */
const FATAL = /^(?:identity\/(?:identity\.json|\w+_key\.sealed)|trust\/)/;

Deno.test("a folder of what is only observed refuses no start, whatever it is", () =>
  inFolder(async (dataDir) => {
    await fillStore(dataDir);
    for (const name of ["health", "telemetry", "updates"]) {
      const folder = `${dataDir}/clusters/default/${name}`;
      Deno.removeSync(folder, { recursive: true });
      Deno.writeTextFileSync(folder, "");
    }
    const { store, log } = await openStore(dataDir);
    const warned = log.lines.filter(({ message }) =>
      message.startsWith("A folder cannot be used")
    );
    assert.deepEqual(warned.map(({ fields }) => fields["folder"]), [
      "health",
      "updates",
      "telemetry",
    ]);
    store.transitions.note("start");
    assert.deepEqual(store.updates.record, {});
    assert.deepEqual(store.sessions.sessions, []);
    assert.equal((await store.identity.load())?.nodeId, "node-1");
    await store.close();
  }));

Deno.test("a file that gives EIO for ever refuses no start, unless it is identity or trust", () =>
  inFolder(async (from) => {
    await fillStore(from);
    const files = [...filesBelow(`${from}/clusters/default`).keys()];
    for (const file of files.filter((name) => !/(?:^|\/)lock$/.test(name))) {
      await inFolder(async (dataDir) => {
        copyFolder(from, dataDir);
        const disk = failing(`/clusters/default/${file}`, "EIO");
        const { store } = await openStore(dataDir, disk).catch((error) =>
          assert.fail(`${file}: ${error}`)
        );
        const loads = [
          () => store.identity.load(),
          () => store.snapshots.load(),
          () => store.marks.load(),
          () => store.trust.load(),
          () => store.trustBundle.load(),
        ];
        for (const load of loads) {
          try {
            await load();
          } catch (error) {
            assert.match(file, FATAL, `${file}: ${error}`);
          }
        }
        await store.close();
      });
    }
  }));
