import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportChanges } from "../store/sync_ledger.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { DataEntry } from "../wire/data_entry.ts";

/** The node's reports, and when they change. */
export interface SyncSource {
  readonly view: { readonly entries: ReadonlyMap<string, DataEntry> };
  /** @returns what ends the calls. */
  onChange(listener: () => void): () => void;
}

/** Remembers, durably, what has been synced. */
export interface SyncRecord {
  pending(reports: ReadonlyMap<string, DataEntry>): ReportChanges;
  markSynced(changes: ReportChanges): Promise<void>;
}

/** Where reports go. */
export interface SyncUplink {
  syncReports(changes: ReportChanges, signal: AbortSignal): Promise<void>;
}

/** Options for {@linkcode ReportSyncer}. */
export interface ReportSyncerOptions {
  readonly reports: SyncSource;
  readonly ledger: SyncRecord;
  readonly uplink: SyncUplink;
  /** Quiet time after a change before it is sent. @default {5000} */
  readonly debounceMs?: number;
  /** Longest wait between two tries, before jitter. @default {60000} */
  readonly maxWaitMs?: number;
  /** Most entries and deletions in one call. @default {500} */
  readonly maxBatch?: number;
  readonly io: Platform;
}

/** How the sync goes. */
export interface SyncStatus {
  readonly lastSuccessMs?: number;
  readonly lastError?: string;
  readonly nextTryMs?: number;
}

/**
 * Brings reports to the control plane, at least once each.
 *
 * What is left to do is not queued but found, by comparing the reports with the
 * ledger of what was taken: so nothing gets lost by a restart, and a report
 * that changes five times goes up once.
 *
 * @see seed Local Node API, "ReportSyncer"; design, section 4, rule 6
 */
export class ReportSyncer implements Part {
  readonly name = "report_syncer";
  readonly #options: ReportSyncerOptions;
  readonly #debounceMs: number;
  readonly #maxWaitMs: number;
  readonly #maxBatch: number;
  /** What was refused as it is, by key. */
  readonly #parked = new Map<string, DataEntry | "deleted">();
  #status: SyncStatus = {};
  #wake: (() => void) | undefined;

  constructor(options: ReportSyncerOptions) {
    const { debounceMs = 5_000, maxWaitMs = 60_000, maxBatch = 500 } = options;
    for (
      const [name, value] of Object.entries({ debounceMs, maxWaitMs, maxBatch })
    ) {
      if (value >= 1) continue;
      throw new RangeError(
        `Cannot sync reports as "${name}" must be >= 1: current value is ${value}`,
      );
    }
    this.#options = options;
    this.#debounceMs = debounceMs;
    this.#maxWaitMs = Math.max(maxWaitMs, debounceMs);
    this.#maxBatch = maxBatch;
  }

  get status(): SyncStatus {
    return this.#status;
  }

  /** Changes that the control plane does not have, refused ones included. */
  get pending(): number {
    const { reports, ledger } = this.#options;
    return sizeOf(ledger.pending(reports.view.entries));
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake?.();
    const stopListening = this.#options.reports.onChange(wake);
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) await this.#round(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
    }
  }

  /** Waits for work, lets it settle, and sends it until it is taken. */
  async #round(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    const changed = this.#nextChange();
    if (isEmpty(this.#pending())) return await changed;
    await this.#sleep(this.#debounceMs, signal);
    for (let attempt = 1;; attempt++) {
      const failure = await this.#send(this.#pending(), signal);
      // What changed meanwhile settles in a round of its own.
      if (!failure) return;
      const wait_ms = Math.round(this.#waitAfter(failure, attempt));
      const error = describeError(failure);
      const nextTryMs = clock.now() + wait_ms;
      this.#status = { ...this.#status, lastError: error, nextTryMs };
      log.warn("Report sync failed", { attempt, wait_ms, error });
      await this.#sleep(wait_ms, signal);
    }
  }

  /** What is left to do, refused content aside. */
  #pending(): ReportChanges {
    const { reports, ledger } = this.#options;
    const { entries } = reports.view;
    const pending = ledger.pending(entries);
    return {
      entries: pending.entries.filter((entry) =>
        this.#parked.get(entry.key) !== entry
      ),
      deleted: pending.deleted.filter((key) =>
        this.#parked.get(key) !== "deleted"
      ),
    };
  }

  /** @returns the failure that ended it, if one did. */
  async #send(
    changes: ReportChanges,
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    if (isEmpty(changes)) return undefined;
    const size = sizeOf(changes);
    if (size > this.#maxBatch) {
      return await this.#sendParts(changes, this.#maxBatch, signal);
    }
    const { uplink, ledger, io } = this.#options;
    try {
      await uplink.syncReports(changes, signal);
      await ledger.markSynced(changes);
    } catch (error) {
      if (signal.aborted || !(error instanceof Error)) throw error;
      if (!isRefusal(error)) return error;
      // Halved until whatever is refused stands alone.
      if (size > 1) return await this.#sendParts(changes, size / 2, signal);
      this.#park(changes, error);
      return undefined;
    }
    const { entries, deleted } = changes;
    for (const { key } of entries) this.#parked.delete(key);
    for (const key of deleted) this.#parked.delete(key);
    this.#status = { lastSuccessMs: io.clock.now() };
    io.log.info("Reports synced", {
      entries: entries.length,
      deleted: deleted.length,
    });
    return undefined;
  }

  async #sendParts(
    changes: ReportChanges,
    size: number,
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    const [first, rest] = split(changes, Math.ceil(size));
    return await this.#send(first, signal) ?? await this.#send(rest, signal);
  }

  /** Sets aside the one change that was refused, until its key changes. */
  #park({ entries, deleted }: ReportChanges, refusal: Error) {
    for (const entry of entries) this.#parked.set(entry.key, entry);
    for (const key of deleted) this.#parked.set(key, "deleted");
    const error = describeError(refusal);
    this.#status = { ...this.#status, lastError: error };
    this.#options.io.log.warn("Report refused, kept until it changes", {
      key: entries[0]?.key ?? deleted[0],
      error,
    });
  }

  /** At least the quiet time, so that "at once" makes no busy loop. */
  #waitAfter(failure: Error, attempt: number): number {
    const asked = failure instanceof ControlError
      ? failure.retryAfterMs
      : undefined;
    if (asked !== undefined) {
      return Math.max(Math.min(asked, RETRY_AFTER_CAP_MS), this.#debounceMs);
    }
    const { random } = this.#options.io;
    return backoffMs(attempt - 1, () => random.unit(), {
      baseMs: this.#debounceMs,
      maxMs: this.#maxWaitMs,
    });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#options.io.clock.sleep(ms, signal);
  }

  /** Armed before looking for work, so that no change falls between. */
  #nextChange(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}

/**
 * Whether the control plane refuses this content, and not the node or the
 * moment: a wrong path or a missing permission may be put right without any
 * report changing, so those are tried again.
 */
function isRefusal(error: Error): boolean {
  if (!(error instanceof ControlError)) return false;
  const { kind, status } = error;
  return kind === "bad_request" || kind === "too_large" ||
    kind === "conflict" || status === 415 || status === 422;
}

function sizeOf({ entries, deleted }: ReportChanges): number {
  return entries.length + deleted.length;
}

function isEmpty(changes: ReportChanges): boolean {
  return sizeOf(changes) === 0;
}

/** The first `size` changes, and the others. */
function split(
  { entries, deleted }: ReportChanges,
  size: number,
): [ReportChanges, ReportChanges] {
  const gone = Math.max(0, size - entries.length);
  return [
    { entries: entries.slice(0, size), deleted: deleted.slice(0, gone) },
    { entries: entries.slice(size), deleted: deleted.slice(gone) },
  ];
}
