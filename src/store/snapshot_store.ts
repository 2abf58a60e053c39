import { describeError } from "../platform/log.ts";
import { contentHash, parseSignedSnapshot } from "../wire/signed_snapshot.ts";
import type { SignedSnapshot } from "../wire/signed_snapshot.ts";
import { ShapeError } from "../wire/shape_error.ts";
import { isDamagedKeyName } from "./key_in_use.ts";
import { replaceFile } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import { DamagedSealError, sealText, unsealText } from "./sealed_file.ts";
import {
  decodePointer,
  encodePointer,
  POINTER_FILE,
  type SnapshotPointer,
  type SnapshotRef,
} from "./snapshot_pointer.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import type { TrustMarks } from "./trust_marks.ts";
import { readOrFault } from "./typed_reads.ts";

const FOLDER = "snapshots";

/** Where a snapshot waits while it is being checked. */
export const PENDING_SNAPSHOT_FILE = `${FOLDER}/pending.sealed`;

const ROLE = "snapshot";

/** Options for {@linkcode SnapshotStore}. */
export interface SnapshotStoreOptions {
  /** Activated snapshots that are kept, the active one included. @default {3} */
  readonly kept?: number;
}

/** The active snapshot as it was read back. */
export interface ActiveSnapshot {
  readonly ref: SnapshotRef;
  readonly snapshot: SignedSnapshot;
  /** The one that was active is damaged; this is the one before it. */
  readonly fellBack: boolean;
}

/**
 * Signed snapshots: the one that is being checked, the one in use, and the ones
 * before it. All are sealed, since the states in them can hold pre-shared keys.
 *
 * @see seed Node Local State Store, sections 4 "Snapshot State" and 8; design,
 * section 8
 */
export class SnapshotStore {
  readonly #context: StoreContext;
  readonly #key: SealKey;
  readonly #marks: TrustMarks;
  readonly #kept: number;

  /** @throws {RangeError} when fewer than two snapshots are to be kept. */
  constructor(
    context: StoreContext,
    key: SealKey,
    marks: TrustMarks,
    { kept = 3 }: SnapshotStoreOptions = {},
  ) {
    if (!(kept >= 2)) {
      throw new RangeError(
        `Cannot keep snapshots as "kept" must be >= 2: current value is ${kept}`,
      );
    }
    this.#context = context;
    this.#key = key;
    this.#marks = marks;
    this.#kept = kept;
  }

  /** Which snapshots are in use; undefined when there is none, or no telling. */
  get pointer(): SnapshotPointer | undefined {
    const bytes = this.#readable(POINTER_FILE);
    return bytes instanceof Uint8Array ? decodePointer(bytes) : undefined;
  }

  /**
   * Puts a received snapshot on disk before anything in it is believed.
   *
   * @throws {StoreWriteError}
   */
  async stage(text: string): Promise<void> {
    await this.#write(PENDING_SNAPSHOT_FILE, await this.#sealed(text));
  }

  /**
   * Drops what {@linkcode stage} wrote: it was refused.
   *
   * @throws {StoreWriteError}
   */
  discardPending(): void {
    this.#remove(PENDING_SNAPSHOT_FILE);
  }

  /**
   * Removes what was being checked when a process ended, and says so: whoever
   * was to decide about it is gone.
   */
  dropLeftOver(): void {
    const { disk, root, recovered, log } = this.#context;
    const isThere = disk.list(`${root}/${FOLDER}`)
      .some(({ name }) => `${FOLDER}/${name}` === PENDING_SNAPSHOT_FILE);
    if (!isThere) return;
    try {
      this.discardPending();
    } catch (error) {
      // It is never read, and the next one takes its place.
      log.warn("A pending snapshot could not be removed", {
        error: describeError(error),
      });
      return;
    }
    recovered({
      file: PENDING_SNAPSHOT_FILE,
      what: "left over from a snapshot that was being checked",
      action: "removed; the next pull brings it again",
    });
  }

  /**
   * Makes the staged snapshot, now verified, the active one: its own file, then
   * the high-water mark, then the pointer. A crash before the last step leaves
   * the one before in use, and the mark keeps anything older out.
   *
   * @throws {StoreWriteError} when a step could not be made durable.
   */
  async activate(
    ref: Omit<SnapshotRef, "activatedAtMs">,
  ): Promise<SnapshotRef> {
    const { disk, root, folders, clock } = this.#context;
    const before = this.pointer;
    const active = { ...ref, activatedAtMs: clock.now() };
    const { epoch, version, contentSha256 } = ref;
    try {
      const folder = folders.get(FOLDER);
      disk.rename(`${root}/${PENDING_SNAPSHOT_FILE}`, this.#pathOf(ref));
      await folder.sync();
    } catch (error) {
      throw new StoreWriteError("the snapshot", error);
    }
    this.#marks.save({
      ...this.#marks.load(),
      snapshot: { epoch, version, contentSha256 },
    });
    // The same one again has no other before it than it had.
    const previous = before && isSame(before.active, ref)
      ? before.previous
      : before?.active;
    const pointer = { active, ...(previous ? { previous } : {}) };
    await this.#write(POINTER_FILE, encodePointer(pointer));
    this.#makeRoom(pointer);
    return active;
  }

  /**
   * Reads the active snapshot back; when it is damaged, the one before it takes
   * its place. Every repair is told.
   *
   * @returns undefined when there is none that can be used.
   * @throws {SealKeyError} kind "wrong_key" when another key sealed it.
   */
  async load(): Promise<ActiveSnapshot | undefined> {
    const { damaged, recovered } = this.#context;
    const pointer = this.#readPointer();
    if (!pointer) return undefined;
    const { active, previous } = pointer;
    const snapshot = await this.#read(active);
    if (snapshot) return { ref: active, snapshot, fellBack: false };
    const file = fileOf(active);
    const aside = damaged.setAside(file);
    const earlier = previous && await this.#read(previous);
    recovered({
      file,
      what: "the active snapshot is damaged or missing",
      action: `${aside}; ` +
        (earlier
          ? "the one before it is used until the next pull"
          : "a pull has to bring it again"),
    });
    if (!previous || !earlier) {
      this.#remove(POINTER_FILE);
      return undefined;
    }
    await this.#write(POINTER_FILE, encodePointer({ active: previous }));
    return { ref: previous, snapshot: earlier, fellBack: true };
  }

  /** Forgets all snapshots: they are another node's. */
  async forget(): Promise<void> {
    const { disk, root, folders } = this.#context;
    try {
      disk.remove(`${root}/${POINTER_FILE}`);
      for (const { name } of disk.list(`${root}/${FOLDER}`)) {
        disk.remove(`${root}/${FOLDER}/${name}`);
      }
      await folders.get(FOLDER).sync();
    } catch (error) {
      throw new StoreWriteError("the snapshots", error);
    }
  }

  #readPointer(): SnapshotPointer | undefined {
    const { damaged, recovered } = this.#context;
    const bytes = this.#readable(POINTER_FILE);
    if (!bytes) return undefined;
    const isRead = bytes instanceof Uint8Array;
    const pointer = isRead ? decodePointer(bytes) : undefined;
    if (pointer) return pointer;
    const what = isRead ? "damaged" : bytes.message;
    const action = damaged.setAside(POINTER_FILE);
    recovered({ file: POINTER_FILE, what, action });
    return undefined;
  }

  #readable(file: string) {
    return readOrFault(this.#context.disk, `${this.#context.root}/${file}`);
  }

  /** @returns undefined unless it is whole and the one that is meant. */
  async #read(ref: SnapshotRef): Promise<SignedSnapshot | undefined> {
    const { disk, root, cluster } = this.#context;
    const bytes = this.#readable(fileOf(ref));
    if (!(bytes instanceof Uint8Array)) return undefined;
    try {
      const place = { cluster, role: ROLE } as const;
      const text = await unsealText(this.#key, place, bytes);
      const snapshot = parseSignedSnapshot(text);
      const isMeant = isSame(ref, snapshot) &&
        contentHash(snapshot.content) === ref.contentSha256;
      return isMeant ? snapshot : undefined;
    } catch (error) {
      if (error instanceof DamagedSealError || error instanceof ShapeError) {
        return undefined;
      }
      if (isDamagedKeyName(error, disk, root, this.#key)) return undefined;
      throw error;
    }
  }

  #sealed(text: string): Promise<Uint8Array<ArrayBuffer>> {
    const { cluster, random } = this.#context;
    return sealText(this.#key, { cluster, role: ROLE }, text, random);
  }

  async #write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { disk, temp, folders } = this.#context;
    try {
      await replaceFile(disk, temp, folders.target(file), bytes);
    } catch (error) {
      throw new StoreWriteError("the snapshot", error);
    }
  }

  #remove(file: string) {
    const { disk, root } = this.#context;
    try {
      disk.remove(`${root}/${file}`);
    } catch (error) {
      throw new StoreWriteError("that a snapshot is gone", error);
    }
  }

  /** What cannot be removed goes with the next one that is activated. */
  #makeRoom(pointer: SnapshotPointer) {
    try {
      for (const file of this.#surplus(pointer)) this.#remove(file);
    } catch (error) {
      this.#context.log.warn("A former snapshot could not be removed", {
        error: describeError(error),
      });
    }
  }

  /** The pointer's own two stay whatever their number. */
  #surplus({ active, previous }: SnapshotPointer): readonly string[] {
    const { disk, root } = this.#context;
    const named = [active, previous].flatMap((ref) => ref ? [fileOf(ref)] : []);
    const others = disk.list(`${root}/${FOLDER}`)
      .map(({ name }) => `${FOLDER}/${name}`)
      .filter((file) => VERSION_FILE.test(file) && !named.includes(file))
      .sort(byPlace);
    return others.slice(0, -(this.#kept - named.length) || undefined);
  }

  #pathOf(ref: Pick<SnapshotRef, "epoch" | "version">): string {
    return `${this.#context.root}/${fileOf(ref)}`;
  }
}

const VERSION_FILE = /^snapshots\/(\d+)-(\d+)\.sealed$/;

function fileOf({ epoch, version }: Pick<SnapshotRef, "epoch" | "version">) {
  return `${FOLDER}/${epoch}-${version}.sealed`;
}

function byPlace(a: string, b: string): number {
  const [, epochA = 0, versionA = 0] = VERSION_FILE.exec(a)?.map(Number) ?? [];
  const [, epochB = 0, versionB = 0] = VERSION_FILE.exec(b)?.map(Number) ?? [];
  return epochA - epochB || versionA - versionB;
}

function isSame(
  a: Pick<SnapshotRef, "epoch" | "version" | "contentSha256">,
  b: Pick<SnapshotRef, "epoch" | "version" | "contentSha256">,
): boolean {
  return a.epoch === b.epoch && a.version === b.version &&
    a.contentSha256 === b.contentSha256;
}
