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
import { inFolder, openStore } from "./open_store.ts";

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
