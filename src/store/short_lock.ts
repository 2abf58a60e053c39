import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { giveToOwner } from "./give_to_owner.ts";
import { errorCode } from "./store_errors.ts";

/**
 * Does `work` while no other process does something under the lock of the same
 * folder, which is made when it is not there. The lock is waited for, so what
 * is done under it must be short.
 *
 * @throws {Error} of the system, and what `work` throws.
 */
export function underShortLock<Result>(
  folder: string,
  work: () => Result,
): Result {
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  using lock = openLock(folder);
  if (!lock) return work();
  lock.lockSync(true);
  try {
    return work();
  } finally {
    lock.unlockSync();
  }
}

/**
 * Replaces a file in a folder that is locked: after a crash it holds its old
 * bytes or the new ones. What an interrupted write left behind is removed.
 *
 * @throws {Error} of the system.
 */
export function replaceUnderLock(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
): void {
  const temp = `${path}.new`;
  disk.remove(temp);
  disk.createNow(temp, bytes);
  giveToOwner(dirname(path), temp);
  disk.rename(temp, path);
  const folder = disk.openFolder(dirname(path));
  try {
    folder.syncNow();
  } finally {
    folder.close();
  }
}

/** @returns undefined where nothing can be written, and so nothing changes. */
function openLock(folder: string): Deno.FsFile | undefined {
  const path = `${folder}/lock`;
  try {
    const options = { write: true, create: true, mode: 0o600 };
    const lock = Deno.openSync(path, options);
    giveToOwner(folder, path);
    return lock;
  } catch (error) {
    if (errorCode(error) !== "EROFS") throw error;
    return undefined;
  }
}
