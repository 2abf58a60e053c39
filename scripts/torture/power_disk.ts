import { dirname } from "node:path";
import type {
  Disk,
  FolderEntry,
  OpenFolder,
  OpenLog,
} from "../../src/store/disk.ts";

/** Bytes that a disk writes whole or not at all. */
const SECTOR = 512;

type Bytes = Uint8Array<ArrayBuffer>;

/** A file, under whatever names it has. Its bytes are replaced, never edited. */
interface Content {
  bytes: Bytes;
  /** As it may also be found, while a write to it has not been synced. */
  torn?: readonly Bytes[];
}

/** A moment at which the power may go. */
export interface Moment {
  /** Each name with every file that may be found under it; undefined: none. */
  readonly names: ReadonlyMap<string, readonly (Bytes | undefined)[]>;
}

/**
 * A disk in memory that knows what a power cut may take back.
 *
 * The bytes of a file are certain once it is synced. Names are certain once
 * their folder is: until then each one by itself may be found as it was after
 * any of the changes since, in whatever combination, as POSIX allows.
 */
export class PowerDisk implements Disk {
  readonly #folders: ReadonlySet<string>;
  readonly #files = new Map<string, Content>();
  /** What unsynced names were before, the oldest first. */
  readonly #earlier = new Map<string, (Content | undefined)[]>();
  readonly #beforeStep: (disk: PowerDisk) => void;

  /**
   * @param folders Paths of all folders there are; none can be made.
   * @param files What is on the disk, for certain.
   * @param beforeStep Hears of every step before it is done, and in the middle
   * of those that have one.
   */
  constructor(
    folders: Iterable<string>,
    files: Iterable<readonly [string, Bytes]> = [],
    beforeStep: (disk: PowerDisk) => void = () => {},
  ) {
    this.#folders = new Set(folders);
    for (const [path, bytes] of files) this.#files.set(path, { bytes });
    this.#beforeStep = beforeStep;
  }

  get files(): Map<string, Bytes> {
    return new Map([...this.#files].map(([path, { bytes }]) => [path, bytes]));
  }

  /** What may be found if the power goes now. */
  get moment(): Moment {
    const names = new Map<string, (Bytes | undefined)[]>();
    for (const [path, content] of this.#files) {
      names.set(path, versionsOf(content));
    }
    for (const [path, earlier] of this.#earlier) {
      const versions = names.get(path) ?? [undefined];
      const before = earlier.flatMap((content) =>
        content ? versionsOf(content) : [undefined]
      );
      names.set(path, [...new Set([...versions, ...before])]);
    }
    return { names };
  }

  read(path: string): Bytes {
    return this.#at(path).bytes.slice();
  }

  list(path: string): FolderEntry[] {
    if (!this.#folders.has(path)) throw new Deno.errors.NotFound(path);
    const named = (paths: Iterable<string>, isFile: boolean) =>
      [...paths].filter((other) => dirname(other) === path)
        .map((other) => ({ name: other.slice(path.length + 1), isFile }));
    return [
      ...named(this.#folders, false),
      ...named(this.#files.keys(), true),
    ];
  }

  createNow(path: string, bytes: Uint8Array): void {
    this.#beforeStep(this);
    if (this.#files.has(path)) throw new Deno.errors.AlreadyExists(path);
    const half = bytes.slice(0, bytes.length >> 1);
    const content: Content = { bytes: bytes.slice(), torn: [half] };
    this.#change(path, content);
    this.#beforeStep(this);
    delete content.torn;
  }

  async create(path: string, bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.createNow(path, bytes);
  }

  rename(from: string, to: string): void {
    this.#beforeStep(this);
    const content = this.#at(from);
    this.#change(to, content);
    this.#change(from, undefined);
  }

  remove(path: string): void {
    if (!this.#files.has(path)) return;
    this.#beforeStep(this);
    this.#change(path, undefined);
  }

  openFolder(path: string): OpenFolder {
    const syncNow = () => {
      this.#beforeStep(this);
      for (const name of this.#earlier.keys()) {
        if (dirname(name) === path) this.#earlier.delete(name);
      }
    };
    return {
      syncNow,
      async sync() {
        await Promise.resolve();
        syncNow();
      },
      close() {},
    };
  }

  openLog(path: string): OpenLog {
    const content = this.#at(path);
    return {
      write: async (offset, bytes) => {
        await Promise.resolve();
        this.#beforeStep(this);
        const before = content.bytes;
        content.bytes = written(before, offset, bytes);
        content.torn = [before, ...tornWrites(before, offset, bytes)];
        this.#beforeStep(this);
        delete content.torn;
      },
      close() {},
    };
  }

  #at(path: string): Content {
    const content = this.#files.get(path);
    if (!content) throw new Deno.errors.NotFound(path);
    return content;
  }

  #change(path: string, content: Content | undefined) {
    const earlier = this.#earlier.get(path) ?? [];
    this.#earlier.set(path, [...earlier, this.#files.get(path)]);
    if (content) this.#files.set(path, content);
    else this.#files.delete(path);
  }
}

function versionsOf({ bytes, torn = [] }: Content): Bytes[] {
  return [bytes, ...torn];
}

function written(before: Bytes, offset: number, bytes: Uint8Array): Bytes {
  const after = new Uint8Array(
    Math.max(before.length, offset + bytes.length),
  );
  after.set(before);
  after.set(bytes, offset);
  return after;
}

/** With only the sectors up to one of them written, or only those from it on. */
function* tornWrites(
  before: Bytes,
  offset: number,
  bytes: Uint8Array,
): Generator<Bytes> {
  const end = offset + bytes.length;
  const first = SECTOR - offset % SECTOR;
  for (let at = first; offset + at < end; at += SECTOR) {
    yield written(before, offset, bytes.subarray(0, at));
    yield written(before, offset + at, bytes.subarray(at));
  }
  // Some disks promise less than a whole sector.
  yield written(before, offset, bytes.subarray(0, bytes.length >> 1));
}
