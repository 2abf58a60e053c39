import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportChanges } from "../store/sync_ledger.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { DataEntry } from "../wire/state.ts";

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
  /** Refused as they are: the content that was refused, by key. */
  readonly #parked = new Map<string, DataEntry>();
  #status: SyncStatus = {};
  #wake: (() => void) | undefined;
  /** Halved when the control plane finds a call too large. */
  #batch: number;

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
    this.#batch = maxBatch;
  }

  get status(): SyncStatus {
    return this.#status;
  }

  /** Changes that the control plane does not have, refused ones included. */
  get pending(): number {
    const { reports, ledger } = this.#options;
    const { entries, deleted } = ledger.pending(reports.view.entries);
    return entries.length + deleted.length;
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

  /** Waits for work, lets it settle, and sends until there is none. */
  async #round(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    const changed = this.#nextChange();
    if (!this.#hasWork()) return await changed;
    await this.#sleep(this.#debounceMs, signal);
    for (let attempt = 1; this.#hasWork(); attempt++) {
      const failure = await this.#sendAll(signal);
      if (!failure) {
        attempt = 0;
        continue;
      }
      const wait_ms = Math.round(this.#waitAfter(failure, attempt));
      const error = describeError(failure);
      const nextTryMs = clock.now() + wait_ms;
      this.#status = { ...this.#status, lastError: error, nextTryMs };
      log.warn("Report sync failed", { attempt, wait_ms, error });
      await this.#sleep(wait_ms, signal);
    }
  }

  /** @returns the failure that ended it, if one did. */
  async #sendAll(signal: AbortSignal): Promise<Error | undefined> {
    const { uplink, ledger, io } = this.#options;
    while (this.#hasWork()) {
      const changes = this.#nextBatch();
      try {
        await uplink.syncReports(changes, signal);
        await ledger.markSynced(changes);
      } catch (error) {
        if (signal.aborted || !(error instanceof Error)) throw error;
        if (this.#givesWay(error, changes)) continue;
        return error;
      }
      this.#batch = this.#maxBatch;
      this.#status = { lastSuccessMs: io.clock.now() };
      const { entries, deleted } = changes;
      io.log.info("Reports synced", {
        entries: entries.length,
        deleted: deleted.length,
      });
    }
    return undefined;
  }

  /**
   * What the control plane refuses for good is split until the culprit is
   * alone, and that is parked until it changes.
   *
   * @returns whether there is reason to go on at once.
   */
  #givesWay(error: Error, changes: ReportChanges): boolean {
    if (!(error instanceof ControlError) || !isRefusal(error)) return false;
    const size = changes.entries.length + changes.deleted.length;
    if (size > 1) {
      this.#batch = Math.max(1, Math.floor(size / 2));
      return true;
    }
    const entry = changes.entries[0];
    // Refused deletions stay to be tried again: there is no content to change.
    if (!entry) return false;
    this.#parked.set(entry.key, entry);
    this.#options.io.log.warn(
      "Report refused upstream, kept until it changes",
      {
        key: entry.key,
        error: describeError(error),
      },
    );
    return true;
  }

  #hasWork(): boolean {
    const { entries, deleted } = this.#nextBatch();
    return entries.length + deleted.length > 0;
  }

  #nextBatch(): ReportChanges {
    const { reports, ledger } = this.#options;
    const pending = ledger.pending(reports.view.entries);
    const entries = pending.entries
      .filter((entry) => this.#parked.get(entry.key) !== entry)
      .slice(0, this.#batch);
    const deleted = pending.deleted.slice(0, this.#batch - entries.length);
    return { entries, deleted };
  }

  #waitAfter(failure: Error, attempt: number): number {
    const asked = failure instanceof ControlError
      ? failure.retryAfterMs
      : undefined;
    if (asked !== undefined) return Math.min(asked, RETRY_AFTER_CAP_MS);
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

/** Statuses that say "this content", not "not now". */
function isRefusal({ kind, status }: ControlError): boolean {
  return kind === "bad_request" || kind === "too_large" ||
    kind === "conflict" ||
    status === 415 || status === 422;
}
