import assert from "node:assert/strict";
import {
  ownStartTicks,
  startTicksOf,
} from "../../src/platform/process_identity.ts";
import { lockHolder } from "../../src/store/lock.ts";
import { isAlive, parseLockFile } from "../../src/store/lock_file.ts";
import { AlreadyRunningError } from "../../src/store/store_errors.ts";
import { inFolder, openStore } from "./open_store.ts";

/** More than any Linux gives out. */
const NO_PID = 9_999_999;

Deno.test("a lock file says who took the lock, since when and in which version", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const record = parseLockFile(Deno.readTextFileSync(store.paths.lock));
    assert.equal(record?.pid, Deno.pid);
    assert.equal(record?.since, "2026-03-01T12:00:00.000Z");
    assert.equal(record?.startTicks, ownStartTicks());
    assert.equal(record && isAlive(record), true);
    await store.close();
  }));

Deno.test("lockHolder() names no process that is gone, or another one by now", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const { root, lock } = store.paths;
    const sound = Deno.readTextFileSync(lock);
    assert.equal(lockHolder(root)?.pid, Deno.pid);
    const [, since, version, ticks] = sound.split("\n");
    const left = [
      // Its number was given to somebody else.
      `${Deno.pid}\n${since}\n${version}\n${Number(ticks) - 1}\n`,
      `${NO_PID}\n${since}\n${version}\n${ticks}\n`,
      "",
      "x\n",
      "-1\n",
    ];
    for (const text of left) {
      Deno.writeTextFileSync(lock, text);
      assert.deepEqual(lockHolder(root), { pid: undefined }, text);
      await assert.rejects(openStore(dir), (error) => {
        assert.ok(error instanceof AlreadyRunningError);
        assert.match(error.message, /^Another process is already using /);
        return true;
      });
    }
    Deno.writeTextFileSync(lock, sound);
    await assert.rejects(
      openStore(dir),
      new RegExp(`Process ${Deno.pid} \\(since 2026.*\\) is already using`),
    );
    await store.close();
    // The lock is the truth: nobody holds it, whatever lives under that number.
    assert.equal(lockHolder(root), undefined);
  }));

Deno.test("a lock file of an older version names its holder by number alone", () => {
  const record = parseLockFile(`${Deno.pid}\n2026-03-01T12:00:00Z\n0.9.0\n`);
  assert.deepEqual(record, {
    pid: Deno.pid,
    since: "2026-03-01T12:00:00Z",
    version: "0.9.0",
  });
  assert.equal(isAlive(record!), true);
});

Deno.test("startTicksOf() tells a process from one that is gone", () => {
  assert.equal(startTicksOf(NO_PID), "gone");
  assert.equal(typeof startTicksOf(1), "number");
});
