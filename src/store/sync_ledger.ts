import * as z from "zod/mini";
import { describeError } from "../platform/log.ts";
import { parseShape } from "../wire/shape_error.ts";
import { type DataEntry, encodeDataEntry } from "../wire/data_entry.ts";
import { CommitQueue } from "./commit_queue.ts";
import { readIfThere } from "./disk.ts";
import { replaceFile } from "./replace_file.ts";
import { reportFileOf } from "./report_store.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the ledger, below the membership's folder. */
export const SYNC_FILE = "sync/reports.json";

/** Reports that differ from what the control plane has. */
export interface ReportChanges {
  readonly entries: readonly DataEntry[];
  /** Keys that the control plane has, or may have, and this node has not. */
  readonly deleted: readonly string[];
}

/** That the control plane has an entry. */
export interface SyncedMark {
  /** When it took it, ms since the Unix epoch; absent when that was not noted. */
  readonly atMs?: number;
}

/** What the control plane has of a key. */
interface Synced extends SyncedMark {
  readonly sum: string;
}

/** Stands on disk for the sum of what was sent, but perhaps never arrived. */
const UNKNOWN_SUM = "";

interface Job {
  /** What was taken; nothing when only what is on its way is to be noted. */
  readonly changes: ReportChanges;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const ledgerSchema = z.object({
  // Those of format 1 have no times.
  format: z.literal([1, 2]),
  synced: z.array(z.union([
    z.tuple([z.string(), z.string(), z.nullable(z.number())]),
    z.tuple([z.string(), z.string()]),
  ])),
});

/**
 * What of the reports has reached the control plane, and when: per key, the
 * SHA-256 of the entry as it was sent. Versions would not do, since a report that is
 * deleted and made again starts at 1 again. Beside them stand the keys that may
 * have arrived: they were sent, and no answer has come.
 *
 * @see design, section 4 "Durability", rule 6
 */
export class SyncLedger {
  readonly #context: StoreContext;
  readonly #queue = new CommitQueue<Job>((jobs) => this.#run(jobs));
  /** Entries never change, so neither do their sums. */
  readonly #sums = new WeakMap<DataEntry, string>();
  #synced: ReadonlyMap<string, Synced>;
  /** Keys that were sent for the first time, without word of their arrival. */
  readonly #unsure: Set<string>;
  /** Those of them that the file names. */
  #noted: ReadonlySet<string>;

  private constructor(
    context: StoreContext,
    known: ReadonlyMap<string, Synced>,
  ) {
    this.#context = context;
    const isUnsure = ({ sum }: Synced) => sum === UNKNOWN_SUM;
    const entries = [...known];
    this.#synced = new Map(entries.filter(([, mark]) => !isUnsure(mark)));
    this.#noted = new Set(
      entries.filter(([, mark]) => isUnsure(mark)).map(([key]) => key),
    );
    this.#unsure = new Set(this.#noted);
  }

  /**
   * Opens the ledger. A damaged one starts anew: everything is sent once more.
   *
   * @param lost Report files that could not be read. What the control plane
   * has of them may be all that is left, so it is not told to delete it.
   */
  static open(
    context: StoreContext,
    lost: readonly string[] = [],
  ): SyncLedger {
    const synced = new Map(read(context));
    for (const key of synced.keys()) {
      if (lost.includes(reportFileOf(key))) synced.delete(key);
    }
    return new SyncLedger(context, synced);
  }

  /** What the control plane does not have yet, sorted by key. */
  pending(reports: ReadonlyMap<string, DataEntry>): ReportChanges {
    const entries = [...reports.values()].filter((entry) =>
      !this.synced(entry)
    );
    const deleted = [...this.#synced.keys(), ...this.#unsure]
      .filter((key) => !reports.has(key))
      .sort();
    return { entries, deleted };
  }

  /** Whether the control plane has exactly this entry. */
  synced(entry: DataEntry): SyncedMark | undefined {
    const known = this.#synced.get(entry.key);
    return known?.sum === this.#sumOf(entry) ? known : undefined;
  }

  /** Whether the control plane has the key, or was sent it without an answer. */
  mayHave(key: string): boolean {
    return this.#synced.has(key) || this.#unsure.has(key);
  }

  /**
   * Remembers keys before they are sent for the first time: what may have
   * arrived has to be deleted there when it goes here, though nobody ever
   * confirms it.
   *
   * @throws {StoreWriteError} when that could not be stored: then it is
   * remembered in this run only.
   */
  async markSending(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#unsure.add(key);
    if (keys.every((key) => this.#noted.has(key))) return;
    await this.markSynced({ entries: [], deleted: [] });
  }

  /**
   * The control plane has said that it took nothing of these. The file learns
   * of it with the next write: until then a restart means one deletion of what
   * is not there.
   */
  markRefused(keys: readonly string[]): void {
    for (const key of keys) this.#unsure.delete(key);
  }

  /**
   * Remembers what the control plane has taken.
   *
   * @throws {StoreWriteError} when that could not be stored: the changes stay
   * pending, and sending them again does no harm.
   */
  markSynced(changes: ReportChanges): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#queue.add({ changes, resolve, reject })
    );
  }

  /** Takes no more changes, and resolves when those it has are stored. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  async #run(jobs: readonly Job[]) {
    const { disk, temp, folders, clock } = this.#context;
    const next = new Map(this.#synced);
    const atMs = clock.now();
    for (const { changes } of jobs) {
      for (const entry of changes.entries) {
        next.set(entry.key, { sum: this.#sumOf(entry), atMs });
      }
      for (const key of changes.deleted) next.delete(key);
    }
    const settled = new Set(jobs.flatMap(({ changes }) => [
      ...changes.entries.map(({ key }) => key),
      ...changes.deleted,
    ]));
    const unsure = this.#unsure.difference(settled);
    try {
      const synced = [
        ...[...next].map(([key, { sum, atMs = null }]) => [key, sum, atMs]),
        ...[...unsure].map((key) => [key, UNKNOWN_SUM, null]),
      ];
      const text = JSON.stringify({ format: 2, synced });
      const target = folders.target(SYNC_FILE);
      await replaceFile(disk, temp, target, withSum(text).bytes);
    } catch (error) {
      const failure = new StoreWriteError("what has been synced", error);
      for (const job of jobs) job.reject(failure);
      return;
    }
    this.#synced = next;
    this.#noted = unsure;
    for (const key of settled) this.#unsure.delete(key);
    for (const job of jobs) job.resolve();
  }

  #sumOf(entry: DataEntry): string {
    const known = this.#sums.get(entry);
    if (known) return known;
    const sum = sha256(encodeDataEntry(entry));
    this.#sums.set(entry, sum);
    return sum;
  }
}

function read(context: StoreContext): readonly (readonly [string, Synced])[] {
  const { disk, root, damaged, recovered } = context;
  try {
    const bytes = readIfThere(disk, `${root}/${SYNC_FILE}`);
    if (!bytes) return [];
    const checked = checkSum(bytes);
    if (checked) {
      return parseShape("sync ledger", ledgerSchema, checked.text).synced.map(
        ([key, sum, atMs]) => [key, atMs ? { sum, atMs } : { sum }],
      );
    }
    const action = `${damaged.setAside(SYNC_FILE)}; all reports are sent again`;
    recovered({ file: SYNC_FILE, what: "damaged", action });
  } catch (error) {
    if (isShortage(error)) throw error;
    const what = describeError(error);
    recovered({ file: SYNC_FILE, what, action: "all reports are sent again" });
  }
  return [];
}
