import { setImmediate } from "node:timers";
import * as z from "zod/mini";
import { describeError } from "../platform/log.ts";
import { keySchema, versionSchema } from "../wire/data_entry.ts";
import { checkShape } from "../wire/shape_error.ts";
import type { SecretRef } from "../wire/state.ts";
import { CacheFile, type CacheForm } from "./cache_file.ts";
import type { StoreContext } from "./store_context.ts";

/** Path of the names, below the membership's folder. */
export const SECRET_NAMES_FILE = "sync/secret-names.json";

/** Names that are kept; the one that was learned first gives way. */
export const MAX_SECRET_NAMES = 1_000;

const namesSchema = z.array(
  z.object({ key: keySchema, version: versionSchema }),
);

export const SECRET_NAMES_FORM: CacheForm<SecretRef> = {
  file: SECRET_NAMES_FILE,
  what: "the names of secrets",
  formats: [
    (entries) => checkShape("names of secrets", namesSchema, entries),
  ],
  members: ({ key, version }) => ({ key, version }),
  maxEntries: MAX_SECRET_NAMES,
  maxBytes: 1024 * 1024,
};

/** Hears what was known and what is, once it is durable. */
export type SecretNamesListener = (
  before: readonly SecretRef[],
  after: readonly SecretRef[],
) => void;

/**
 * Names and versions of secrets that were once read, and never a value: all
 * that is known of them where the control plane gives no index. Missing or
 * damaged, they are learned again.
 *
 * Learning holds no reader up: names of one moment share a write, and a crash
 * may take the very last.
 *
 * @see seed ppz daemon, "Known names"
 */
export class SecretNames {
  readonly #context: StoreContext;
  readonly #file: CacheFile<SecretRef>;
  readonly #listeners = new Set<SecretNamesListener>();
  /** In the order in which they were learned. */
  readonly #known: Map<string, SecretRef>;
  #refs: readonly SecretRef[];
  #isWritten = true;
  #isOpen = true;
  #writing: Promise<void> | undefined;

  private constructor(context: StoreContext, file: CacheFile<SecretRef>) {
    this.#context = context;
    this.#file = file;
    this.#known = new Map(file.entries.toReversed().map((it) => [it.key, it]));
    this.#refs = this.#sorted();
  }

  static open(context: StoreContext): SecretNames {
    return new SecretNames(context, CacheFile.open(context, SECRET_NAMES_FORM));
  }

  /** Those that are stored, sorted. A list that later changes leave alone. */
  get refs(): readonly SecretRef[] {
    return this.#refs;
  }

  /** A secret was read. */
  learn({ key, version }: SecretRef): void {
    if (this.#known.get(key)?.version === version) return;
    this.#known.set(key, Object.freeze({ key, version }));
    for (const [oldest] of this.#known) {
      if (this.#known.size <= MAX_SECRET_NAMES) break;
      this.#known.delete(oldest);
    }
    this.#changed();
  }

  /** There is no such secret. */
  forget(key: string): void {
    if (this.#known.delete(key)) this.#changed();
  }

  /** There is an index, or another node: what was learned says nothing. */
  reset(): void {
    if (this.#known.size === 0) return;
    this.#known.clear();
    this.#changed();
  }

  /** Calls `listener` after every change. @returns What ends that. */
  onChange(listener: SecretNamesListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes nothing more to disk, and resolves when all it had is there. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#writing;
  }

  #changed() {
    this.#isWritten = false;
    if (this.#isOpen) this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      // One turn of the event loop: what is learned together comes along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      while (!this.#isWritten) {
        this.#isWritten = true;
        const refs = this.#sorted();
        await this.#file.save([...this.#known.values()].toReversed());
        this.#show(refs);
      }
    } catch (error) {
      // The next one that is learned comes with all that are missing on disk.
      this.#context.log.debug("Names of secrets not stored", {
        error: describeError(error),
      });
    } finally {
      this.#writing = undefined;
    }
  }

  #show(refs: readonly SecretRef[]) {
    const before = this.#refs;
    this.#refs = refs;
    for (const listener of this.#listeners) listener(before, refs);
  }

  #sorted(): readonly SecretRef[] {
    return Object.freeze(
      [...this.#known.values()].sort((a, b) => a.key < b.key ? -1 : 1),
    );
  }
}
