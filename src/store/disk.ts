import { errorCode } from "./store_errors.ts";

/** A name in a folder. */
export interface FolderEntry {
  readonly name: string;
  /** False for folders, links and anything else. */
  readonly isFile: boolean;
}

/** A folder kept open, so that making its names durable is one call. */
export interface OpenFolder {
  syncNow(): void;
  sync(): Promise<void>;
  close(): void;
}

/** A file that is written in place. */
export interface OpenLog {
  /** Writes all bytes at `offset`, then syncs the file's content. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * Everything the store does to a disk, each call one step that a crash can
 * come before or after; tests stop the world between any two.
 *
 * New files are created exclusively, so that two writers, or a planted link,
 * fail here instead of mixing. All are 0600.
 */
export interface Disk {
  read(path: string): Uint8Array<ArrayBuffer>;
  list(path: string): FolderEntry[];
  /** Writes and syncs a new file. When it fails, the file may be there in part. */
  createNow(path: string, bytes: Uint8Array): void;
  create(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): void;
  /** Removes a file or a whole folder; one that is not there is fine. */
  remove(path: string): void;
  openFolder(path: string): OpenFolder;
  openLog(path: string): OpenLog;
}

const FRESH = { write: true, createNew: true, mode: 0o600 };

/** The real disk. */
export const systemDisk: Disk = {
  read: (path) => Deno.readFileSync(path),
  list: (path) => [...Deno.readDirSync(path)],
  createNow(path, bytes) {
    using file = Deno.openSync(path, FRESH);
    // A nearly full disk takes a part first and complains at the next call.
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
    file.syncDataSync();
  },
  async create(path, bytes) {
    using file = await Deno.open(path, FRESH);
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
    await file.syncData();
  },
  rename: (from, to) => Deno.renameSync(from, to),
  remove(path) {
    try {
      Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  },
  openFolder(path) {
    const folder = Deno.openSync(path);
    return {
      syncNow: () => folder.syncSync(),
      sync: () => folder.sync(),
      close: () => folder.close(),
    };
  },
  openLog(path) {
    const file = Deno.openSync(path, { write: true });
    return {
      async write(offset, bytes) {
        await file.seek(offset, Deno.SeekMode.Start);
        for (let at = 0; at < bytes.length;) {
          at += await file.write(bytes.subarray(at));
        }
        await file.syncData();
      },
      close: () => file.close(),
    };
  },
};

/** The file's bytes, or undefined when there is no file of that name. */
export function readIfThere(
  disk: Disk,
  path: string,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return disk.read(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether a call failed because there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || errorCode(error) === "ENOENT";
}
