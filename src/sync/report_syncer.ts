import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportChanges } from "../store/sync_ledger.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError, type ControlFailure } from "../uplink/control_error.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { Dialect } from "../wire/dialect.ts";
import { REPORT_RULES, type ReportRules } from "./report_rules.ts";

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
  /** Decides what can be sent, and what a failure means. @default {1} */
  readonly dialect?: Dialect;
  /** Quiet time after a change before it is sent. @default {5000} */
  readonly debounceMs?: number;
  /** Longest wait between two tries in dialect 1, before jitter. @default {60000} */
  readonly maxWaitMs?: number;
  /** Most entries and deletions in one call. @default as the dialect has it */
  readonly maxBatch?: number;
  readonly io: Platform;
}

/** One thing to tell the control plane; without an entry: that it is gone. */
interface Change {
  readonly key: string;
  readonly entry?: DataEntry;
}

/** A change that was refused as it is. */
interface Parked {
  readonly entry: DataEntry | undefined;
  /** A deletion makes room for it. */
  readonly untilRoom: boolean;
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
  readonly #rules: ReportRules;
  /** By key. */
  readonly #parked = new Map<string, Parked>();
  #status: SyncStatus = {};
  #wake: (() => void) | undefined;
  /** Ends a wait for a control plane that was not there. */
  #found: (() => void) | undefined;

  constructor(options: ReportSyncerOptions) {
    const rules = REPORT_RULES[options.dialect ?? 1];
    const { debounceMs = 5_000, maxWaitMs = 60_000 } = options;
    const { maxBatch = rules.maxBatch } = options;
    for (
      const [name, value] of Object.entries({ debounceMs, maxWaitMs, maxBatch })
    ) {
      if (value >= 1) continue;
      throw new RangeError(
        `Cannot sync reports as "${name}" must be >= 1: current value is ${value}`,
      );
    }
    this.#options = options;
    this.#rules = rules;
    this.#debounceMs = debounceMs;
    this.#maxWaitMs = Math.max(maxWaitMs, debounceMs);
    this.#maxBatch = maxBatch;
  }

  get status(): SyncStatus {
    return this.#status;
  }

  /** Changes that the control plane does not have, refused ones included. */
  get pending(): number {
    return this.#changes().length;
  }

  /** Reports that the dialect has no way to carry: they stay on this node. */
  get localOnly(): number {
    const { entries } = this.#options.reports.view;
    return [...entries.values()]
      .filter((entry) => !this.#rules.carries(entry)).length;
  }

  /** The control plane is there again: nothing waits for that any longer. */
  onContact(): void {
    this.#found?.();
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

  /**
   * Sends what is left, once and at once, as before the agent ends. What is not
   * taken goes up after the next start. Never rejects.
   */
  async flush(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    const { nextTryMs = 0 } = this.#status;
    const changes = this.#pending();
    // Somebody asked to wait.
    if (changes.length === 0 || nextTryMs > clock.now()) return;
    const failure = await this.#send(changes, signal).catch((error) => error);
    if (failure === undefined) return;
    log.info("Reports wait for the next start", {
      error: describeError(failure),
    });
  }

  /** Waits for work, lets it settle, and sends it until it is taken. */
  async #round(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    const changed = this.#nextChange();
    if (this.#pending().length === 0) return await changed;
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
      if (isAbsence(failure)) await this.#sleepOrContact(wait_ms, signal);
      else await this.#sleep(wait_ms, signal);
    }
  }

  /** What is left to do, refused content aside. */
  #pending(): Change[] {
    return this.#changes().filter(({ key, entry }) => {
      const parked = this.#parked.get(key);
      return !parked || parked.entry !== entry;
    });
  }

  /** All that the control plane could have and has not, in the order of keys. */
  #changes(): Change[] {
    const { reports, ledger } = this.#options;
    const { entries, deleted } = ledger.pending(reports.view.entries);
    const changes: Change[] = [
      ...entries.map((entry) => ({ key: entry.key, entry })),
      ...deleted.map((key) => ({ key })),
    ];
    return changes
      .filter(({ key, entry }) => this.#rules.carries(entry ?? { key }))
      .sort((a, b) => a.key < b.key ? -1 : 1);
  }

  /** @returns a failure after which to try again, if there was one. */
  async #send(
    changes: readonly Change[],
    signal: AbortSignal,
    size: number = this.#maxBatch,
  ): Promise<Error | undefined> {
    let failure: Error | undefined;
    for (let at = 0; at < changes.length; at += size) {
      const batch = changes.slice(at, at + size);
      failure = await this.#sendBatch(batch, signal) ?? failure;
      if (failure && this.#rules.after(failure) === "later") break;
    }
    return failure;
  }

  async #sendBatch(
    batch: readonly Change[],
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    const { uplink, ledger } = this.#options;
    const changes = reportChanges(batch);
    try {
      await uplink.syncReports(changes, signal);
      await ledger.markSynced(changes);
    } catch (error) {
      if (signal.aborted || !(error instanceof Error)) throw error;
      const decision = this.#rules.after(error);
      if (decision === "later" || decision === "others_first") return error;
      // Halved until whatever is refused stands alone.
      if (batch.length > 1) {
        return await this.#send(batch, signal, Math.ceil(batch.length / 2));
      }
      this.#park(batch[0]!, decision === "park_until_room", error);
      return undefined;
    }
    this.#taken(changes);
    return undefined;
  }

  #taken({ entries, deleted }: ReportChanges) {
    for (const { key } of entries) this.#parked.delete(key);
    for (const key of deleted) this.#parked.delete(key);
    if (deleted.length > 0) this.#unparkForRoom();
    const { clock, log } = this.#options.io;
    this.#status = { lastSuccessMs: clock.now() };
    log.info("Reports synced", {
      entries: entries.length,
      deleted: deleted.length,
    });
  }

  #unparkForRoom() {
    for (const [key, { untilRoom }] of this.#parked) {
      if (untilRoom) this.#parked.delete(key);
    }
  }

  /** Sets aside the one change that was refused. */
  #park({ key, entry }: Change, untilRoom: boolean, refusal: Error) {
    this.#parked.set(key, { entry, untilRoom });
    const error = describeError(refusal);
    this.#status = { ...this.#status, lastError: error };
    this.#options.io.log.warn("Report refused, kept until it changes", {
      key,
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
    const pace = this.#rules.pace(failure) ??
      { baseMs: this.#debounceMs, maxMs: this.#maxWaitMs };
    return backoffMs(attempt - 1, () => random.unit(), pace);
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#options.io.clock.sleep(ms, signal);
  }

  async #sleepOrContact(ms: number, signal: AbortSignal): Promise<void> {
    const found = new AbortController();
    this.#found = () => found.abort();
    try {
      await this.#sleep(ms, AbortSignal.any([signal, found.signal]));
    } catch (error) {
      if (signal.aborted || !found.signal.aborted) throw error;
    } finally {
      this.#found = undefined;
    }
  }

  /** Armed before looking for work, so that no change falls between. */
  #nextChange(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}

/** Kinds of failures that pass when the control plane is back. */
const ABSENT: readonly ControlFailure[] = ["unreachable", "timeout", "server"];

/** Whether nobody was there; one who names a time, or never serves, is. */
function isAbsence(failure: Error): boolean {
  return failure instanceof ControlError && ABSENT.includes(failure.kind) &&
    failure.retryAfterMs === undefined && failure.status !== 501;
}

function reportChanges(changes: readonly Change[]): ReportChanges {
  const entries: DataEntry[] = [];
  const deleted: string[] = [];
  for (const { key, entry } of changes) {
    if (entry) entries.push(entry);
    else deleted.push(key);
  }
  return { entries, deleted };
}
