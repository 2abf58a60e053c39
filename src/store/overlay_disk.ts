import {
  type Disk,
  type FolderEntry,
  isMissing,
  type OpenLog,
  readIfThere,
} from "./disk.ts";

/**
 * A disk over another one that keeps every change to itself: what a repair
 * would do can be done to it without changing a byte.
 *
 * Folders that are missing below are empty here.
 */
export function overlayDisk(below: Disk): Disk {
  return new OverlayDisk(below);
}

class OverlayDisk implements Disk {
  readonly #below: Disk;
  /** Files that were written here, by path. */
  readonly #written = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Files and folders of the disk below that are not there any more. */
  readonly #gone = new Set<string>();

  constructor(below: Disk) {
    this.#below = below;
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    const written = this.#written.get(path);
    if (written) return written.slice();
    if (this.#isGone(path)) throw new Deno.errors.NotFound(path);
    return this.#below.read(path);
  }

  list(path: string): FolderEntry[] {
    const found = this.#listBelow(path)
      .filter(({ name }) => !this.#isGone(`${path}/${name}`))
      .filter(({ name }) => !this.#written.has(`${path}/${name}`));
    const start = `${path}/`;
    const written = [...this.#written.keys()]
      .filter((file) => file.startsWith(start))
      .map((file) => file.slice(start.length))
      .filter((name) => !name.includes("/"))
      .map((name) => ({ name, isFile: true }));
    return [...found, ...written];
  }

  createNow(path: string, bytes: Uint8Array): void {
    if (this.#isThere(path)) throw new Deno.errors.AlreadyExists(path);
    this.#written.set(path, new Uint8Array(bytes));
  }

  create(path: string, bytes: Uint8Array): Promise<void> {
    return Promise.try(() => this.createNow(path, bytes));
  }

  /** A folder keeps its place, and only loses its name. */
  rename(from: string, to: string): void {
    const isFolder = this.#isFolder(from);
    if (!isFolder) this.#written.set(to, this.read(from));
    this.remove(from);
  }

  remove(path: string): void {
    for (const file of [...this.#written.keys()]) {
      if (file === path || file.startsWith(`${path}/`)) {
        this.#written.delete(file);
      }
    }
    this.#gone.add(path);
  }

  openFolder() {
    return { syncNow() {}, sync: () => Promise.resolve(), close() {} };
  }

  openLog(path: string): OpenLog {
    const written = this.#written;
    let bytes = this.read(path);
    return {
      write(offset, more) {
        const size = Math.max(bytes.length, offset + more.length);
        const next = new Uint8Array(size);
        next.set(bytes);
        next.set(more, offset);
        written.set(path, bytes = next);
        return Promise.resolve();
      },
      close() {},
    };
  }

  #isThere(path: string): boolean {
    if (this.#written.has(path)) return true;
    return !this.#isGone(path) && readIfThere(this.#below, path) !== undefined;
  }

  #isFolder(path: string): boolean {
    if (this.#written.has(path)) return false;
    const cut = path.lastIndexOf("/");
    const name = path.slice(cut + 1);
    return this.#listBelow(path.slice(0, cut))
      .some((entry) => entry.name === name && !entry.isFile);
  }

  #isGone(path: string): boolean {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
      if (this.#gone.has(path.slice(0, at))) return true;
    }
    return false;
  }

  #listBelow(path: string): FolderEntry[] {
    if (this.#isGone(path)) return [];
    try {
      return this.#below.list(path);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}
