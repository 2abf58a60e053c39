import { describeError } from "../platform/log.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { CommitQueue } from "./commit_queue.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { fileNameOf } from "./file_name.ts";
import {
  decideReport,
  type ReportCondition,
  type ReportContent,
  type ReportJob,
  type ReportOutcome,
  type ReportWrite,
} from "./report_job.ts";
import { sortedMap } from "./state_view.ts";
import type { StoreContext } from "./store_context.ts";
import { ReportConflictError, StoreWriteError } from "./store_errors.ts";

/** Folder of the report entries, one file each. */
export const REPORT_FOLDER = "state/report";

/** All reports at one moment, sorted by key. Never changes. */
export interface ReportView {
  /** Grows by one with every commit of this process. */
  readonly revision: number;
  readonly entries: ReadonlyMap<string, DataEntry>;
}

/** A report that was written, or is gone. */
export interface ReportChange {
  readonly key: string;
  readonly before: DataEntry | undefined;
  readonly after: DataEntry | undefined;
}

/** Hears of changes after they are durable and can be read. */
export type ReportListener = (changes: readonly ReportChange[]) => void;

/**
 * What workloads on this node report: one file each, durable before a writer
 * hears of success, and visible only then.
 */
export class ReportStore {
  readonly #context: StoreContext;
  readonly #queue = new CommitQueue<ReportJob>((jobs) => this.#run(jobs));
  readonly #listeners = new Set<ReportListener>();
  readonly #entries: Map<string, DataEntry>;
  #revision = 0;
  #view: ReportView | undefined;
  /** Keys whose files may hold something else than memory, after a failure. */
  readonly #unsure = new Set<string>();

  constructor(context: StoreContext, entries: Iterable<DataEntry>) {
    this.#context = context;
    this.#entries = new Map(
      [...entries].map((entry) => [entry.key, entry]),
    );
  }

  /** All reports. Made on first use after a change: reading one needs no view. */
  get view(): ReportView {
    this.#view ??= Object.freeze({
      revision: this.#revision,
      entries: sortedMap(this.#entries),
    });
    return this.#view;
  }

  /** The latest durable entry of a key. */
  get(key: string): DataEntry | undefined {
    return this.#entries.get(key);
  }

  /**
   * Writes a report: version 1, or one more than is stored.
   *
   * @returns The entry, once it is durable and visible.
   * @throws {ReportConflictError} when the condition does not hold.
   * @throws {StoreWriteError} when it could not be made durable; what is
   * visible has not changed.
   */
  put(
    key: string,
    content: ReportContent,
    condition: ReportCondition = {},
  ): Promise<DataEntry> {
    return new Promise((resolve, reject) =>
      this.#queue.add({
        kind: "put",
        key,
        content,
        condition,
        resolve,
        reject,
      })
    );
  }

  /**
   * Writes all of these reports, each under a key of its own, or none: they
   * become durable and visible together. Only a crash before the answer may
   * leave some of them, whole.
   *
   * @returns The entries in the order of `writes`.
   * @throws {ReportConflictError} naming the first key whose condition does not
   * hold.
   * @throws {StoreWriteError} as `put` does.
   */
  putAll(writes: readonly ReportWrite[]): Promise<readonly DataEntry[]> {
    return new Promise((resolve, reject) =>
      this.#queue.add({ kind: "batch", writes, resolve, reject })
    );
  }

  /**
   * Removes a report.
   *
   * @returns Whether there was one, once it is durably gone.
   * @throws {StoreWriteError} when it could not be removed.
   */
  delete(key: string): Promise<boolean> {
    return new Promise((resolve, reject) =>
      this.#queue.add({ kind: "delete", key, resolve, reject })
    );
  }

  /** Calls `listener` after every change. @returns What ends that. */
  onChange(listener: ReportListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes no more writes, and resolves when those it has are done. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  /**
   * A lone write is made without giving up the thread: that is four times as
   * fast as waiting for each step. Many are written side by side.
   */
  async #run(jobs: readonly ReportJob[]) {
    const [first] = jobs;
    const alone = jobs.length === 1 && first?.kind !== "batch";
    const failure = alone ? undefined : await this.#tryTogether(jobs);
    if (alone || failure !== undefined) {
      for (const job of jobs) {
        if (job.kind !== "batch") this.#runAlone(job);
        else await this.#runBatch(job, jobs.length === 1 ? failure : undefined);
      }
    }
    for (const key of this.#unsure) this.#restore(key);
  }

  #runAlone(job: Exclude<ReportJob, { kind: "batch" }>) {
    try {
      const { outcomes, settle } = decideReport(
        job,
        this.#entries,
        this.#context.clock,
      );
      const changed = this.#changed(outcomes);
      for (const outcome of changed) this.#writeNow(outcome);
      if (changed.length > 0) this.#show(changed);
      settle();
    } catch (error) {
      job.reject(
        error instanceof ReportConflictError
          ? error
          : new StoreWriteError(`report ${JSON.stringify(job.key)}`, error),
      );
    }
  }

  /** @param failed Why it could not be written, if that was tried alone. */
  async #runBatch(
    job: Extract<ReportJob, { kind: "batch" }>,
    failed: unknown,
  ) {
    const failure = failed ?? await this.#tryTogether([job]);
    if (failure === undefined) return;
    job.reject(new StoreWriteError(`${job.writes.length} reports`, failure));
  }

  /** Exclusive create, write, sync, rename, sync of the folder: nothing else. */
  #writeNow({ key, after }: ReportOutcome) {
    const { disk, temp, folders } = this.#context;
    const target = folders.target(reportFileOf(key));
    const path = after && temp.writeNow(encodeEntryFile(after).bytes);
    // From here on a failure leaves unknown what the file holds.
    this.#unsure.add(key);
    try {
      if (path) disk.rename(path, target.path);
      else disk.remove(target.path);
    } catch (error) {
      if (path) temp.discard([path]);
      throw error;
    }
    target.folder.syncNow();
    this.#unsure.delete(key);
  }

  /**
   * Writes many jobs with one sync of the folder.
   *
   * @returns what kept them from being written, if anything did. No job is
   * settled then and each is to be tried alone, so that one large report does
   * not take small ones with it.
   */
  async #tryTogether(jobs: readonly ReportJob[]): Promise<unknown> {
    const { clock } = this.#context;
    const draft = new Map<string, DataEntry | undefined>();
    const latest = {
      get: (key: string) =>
        draft.has(key) ? draft.get(key) : this.#entries.get(key),
    };
    const settle: (() => void)[] = [];
    for (const job of jobs) {
      try {
        const decision = decideReport(job, latest, clock);
        for (const { key, after } of decision.outcomes) draft.set(key, after);
        settle.push(decision.settle);
      } catch (error) {
        settle.push(() => job.reject(error));
      }
    }
    const changed = this.#changed(
      [...draft].map(([key, after]) => ({ key, after })),
    );
    try {
      if (changed.length > 0) await this.#writeTogether(changed);
    } catch (error) {
      this.#context.log.debug("Reports are written one by one", {
        error: describeError(error),
      });
      return error;
    }
    if (changed.length > 0) this.#show(changed);
    for (const tell of settle) tell();
    return undefined;
  }

  #changed(outcomes: readonly ReportOutcome[]): readonly ReportOutcome[] {
    return outcomes.filter(({ key, after }) =>
      after !== this.#entries.get(key)
    );
  }

  async #writeTogether(changed: readonly ReportOutcome[]) {
    const { disk, temp, folders, root } = this.#context;
    const written = changed.flatMap(({ key, after }) =>
      after ? [{ key, bytes: encodeEntryFile(after).bytes }] : []
    );
    const temps = await temp.write(written.map(({ bytes }) => bytes));
    try {
      for (const { key } of changed) this.#unsure.add(key);
      for (const [at, { key }] of written.entries()) {
        disk.rename(temps[at]!, `${root}/${reportFileOf(key)}`);
      }
      for (const { key, after } of changed) {
        if (!after) disk.remove(`${root}/${reportFileOf(key)}`);
      }
      await folders.get(REPORT_FOLDER).sync();
    } catch (error) {
      temp.discard(temps);
      throw error;
    }
    for (const { key } of changed) this.#unsure.delete(key);
  }

  #show(changed: readonly ReportOutcome[]) {
    const changes = changed.map(({ key, after }) => ({
      key,
      before: this.#entries.get(key),
      after,
    }));
    for (const { key, after } of changes) {
      if (after) this.#entries.set(key, after);
      else this.#entries.delete(key);
    }
    this.#revision++;
    this.#view = undefined;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#context.log.error("A listener to the reports failed", {
          error: describeError(error),
        });
      }
    }
  }

  /** After a refused write the file is to hold again what memory shows. */
  #restore(key: string) {
    const after = this.#entries.get(key);
    try {
      this.#writeNow({ key, after });
    } catch (error) {
      this.#context.log.warn("A report file could not be put back", {
        key,
        error: describeError(error),
      });
    }
  }
}

/** Path of the file of one report, below the membership's folder. */
export function reportFileOf(key: string): string {
  return `${REPORT_FOLDER}/${fileNameOf(key)}.json`;
}
