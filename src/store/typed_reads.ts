import { type Disk, isMissing, readIfThere } from "./disk.ts";
import { errorCode, StoreReadError } from "./store_errors.ts";

/**
 * The same disk, on which a file or folder that is there but cannot be read
 * fails with {@linkcode StoreReadError}.
 */
export function typedReads(disk: Disk): Disk {
  return {
    read: (path) => read(path, () => disk.read(path)),
    list: (path) => read(path, () => disk.list(path)),
    createNow: (path, bytes) => disk.createNow(path, bytes),
    create: (path, bytes) => disk.create(path, bytes),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    openFolder: (path) => disk.openFolder(path),
    openLog: (path) => disk.openLog(path),
  };
}

/**
 * Whether the system lacked something for a moment. What was to be read may be
 * sound: treating it as damaged would lose it.
 */
export function isShortage(error: unknown): boolean {
  const code = errorCode(error);
  return code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
}

/**
 * Reads a file of which nothing vital depends, on a disk of
 * {@linkcode typedReads}: what cannot be read is then as good as damaged.
 *
 * @returns its bytes, why it cannot be read, or undefined without a file.
 * @throws {StoreReadError} when the system lacked something for a moment.
 */
export function readOrFault(
  disk: Disk,
  path: string,
): Uint8Array<ArrayBuffer> | StoreReadError | undefined {
  try {
    return readIfThere(disk, path);
  } catch (error) {
    if (!(error instanceof StoreReadError) || isShortage(error)) throw error;
    return error;
  }
}

function read<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (isMissing(error)) throw error;
    throw new StoreReadError(path, error);
  }
}
