import type { Disk, OpenFolder } from "./disk.ts";

/** Files that are written side by side; more than this gains nothing. */
const AT_ONCE = 32;

/**
 * Where files are written whole before they get their names. Its folder is
 * emptied when the store is opened, so names need to be new only once.
 */
export class TempFolder {
  readonly #disk: Disk;
  readonly #path: string;
  #next = 0;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Writes and syncs one file, leaving nothing behind when it fails. */
  writeNow(bytes: Uint8Array): string {
    const path = this.#newPath();
    try {
      this.#disk.createNow(path, bytes);
    } catch (error) {
      this.discard([path]);
      throw error;
    }
    return path;
  }

  /**
   * Writes and syncs all files side by side, and answers their paths in order.
   * When one fails, none stays. Settles only when all writing has ended.
   */
  async write(contents: readonly Uint8Array[]): Promise<string[]> {
    const paths = contents.map(() => this.#newPath());
    const failures: unknown[] = [];
    let next = 0;
    const work = async () => {
      while (next < paths.length && failures.length === 0) {
        const at = next++;
        try {
          await this.#disk.create(paths[at]!, contents[at]!);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const workers = Math.min(AT_ONCE, paths.length);
    await Promise.all(Array.from({ length: workers }, work));
    if (failures.length === 0) return paths;
    this.discard(paths);
    throw failures[0];
  }

  /** Removes what did not get a name. Whatever stays goes at the next start. */
  discard(paths: readonly string[]): void {
    for (const path of paths) {
      try {
        this.#disk.remove(path);
      } catch {
        // The failure that led here is the one that is told.
      }
    }
  }

  #newPath(): string {
    return `${this.#path}/${this.#next++}`;
  }
}

/** Where a file is to be, and in which open folder that is. */
export interface Target {
  readonly path: string;
  readonly folder: OpenFolder;
}

/**
 * After a crash the target holds its old bytes or the new ones, never a mix;
 * once this returns, the new ones.
 *
 * @see design, section 4 "Durability", rule 2
 */
export function replaceFileNow(
  disk: Disk,
  temp: TempFolder,
  target: Target,
  bytes: Uint8Array,
): void {
  const path = temp.writeNow(bytes);
  try {
    disk.rename(path, target.path);
  } catch (error) {
    temp.discard([path]);
    throw error;
  }
  target.folder.syncNow();
}

/** {@linkcode replaceFileNow} that does not hold up the process. */
export async function replaceFile(
  disk: Disk,
  temp: TempFolder,
  target: Target,
  bytes: Uint8Array,
): Promise<void> {
  const [path] = await temp.write([bytes]);
  if (path === undefined) return;
  try {
    disk.rename(path, target.path);
  } catch (error) {
    temp.discard([path]);
    throw error;
  }
  await target.folder.sync();
}
