import { type Clock, isoTime } from "../platform/clock.ts";
import { ownStartTicks } from "../platform/process_identity.ts";
import { isMissing } from "./disk.ts";
import { isAlive, type LockHolder, parseLockFile } from "./lock_file.ts";
import { AlreadyRunningError, errorCode } from "./store_errors.ts";

/** Held by the one process that may write to a membership. */
export interface Lock {
  release(): void;
}

/**
 * Takes the exclusive lock of a membership, or fails at once. The system frees
 * it with the process, however that ends.
 *
 * @param folder The membership's folder.
 * @param version Written beside the process id, for people who look.
 * @throws {AlreadyRunningError} when another process holds it.
 */
export function takeLock(
  folder: string,
  clock: Clock,
  version: string,
): Lock {
  const path = `${folder}/lock`;
  const { file, writable } = openLock(path);
  if (!file.tryLockSync(true)) {
    file.close();
    throw new AlreadyRunningError(folder, holderOf(path));
  }
  // The name stays: removing it would let two processes lock different files.
  const started = `${ownStartTicks() ?? ""}\n`;
  if (writable) {
    writeHolder(file, `${isoTime(clock.now())}\n${version}\n${started}`);
  }
  return {
    release() {
      // Closing is not enough: a child that another thread is just starting
      // still holds a copy of the descriptor, and with it the lock.
      file.unlockSync();
      file.close();
    },
  };
}

/**
 * Looks up who holds a membership while this process still may: what it gives
 * up later would keep it from telling a reused process id.
 */
export function noteHolder(folder: string): void {
  try {
    holderOf(`${folder}/lock`);
  } catch {
    // There is none, or it is not for this user.
  }
}

/**
 * Whether another process holds a membership, found out without a change.
 *
 * @param folder The membership's folder.
 * @returns undefined when nobody does.
 */
export function lockHolder(folder: string): LockHolder | undefined {
  const path = `${folder}/lock`;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    if (!file.tryLockSync(false)) return holderOf(path);
    file.unlockSync();
    return undefined;
  } finally {
    file.close();
  }
}

function openLock(path: string) {
  const options = { read: true, write: true, create: true, mode: 0o600 };
  try {
    return { file: Deno.openSync(path, options), writable: true };
  } catch (error) {
    if (errorCode(error) !== "EROFS") throw error;
    // A disk that turned read-only still serves what it holds.
    return { file: Deno.openSync(path), writable: false };
  }
}

/** Only for people: a disk without room for it must not refuse the start. */
function writeHolder(file: Deno.FsFile, rest: string) {
  try {
    file.truncateSync();
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n${rest}`));
  } catch (error) {
    if (errorCode(error) !== "ENOSPC" && errorCode(error) !== "EROFS") {
      file.close();
      throw error;
    }
  }
}

function holderOf(path: string): LockHolder {
  const record = parseLockFile(Deno.readTextFileSync(path));
  if (!record || isAlive(record) === false) return { pid: undefined };
  const { startTicks: _, ...holder } = record;
  return holder;
}
