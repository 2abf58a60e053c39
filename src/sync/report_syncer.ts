import { wallTimeOf } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportChanges, SyncedMark } from "../store/sync_ledger.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError, type ControlFailure } from "../uplink/control_error.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";
import { REPORT_RULES, type ReportRules } from "./report_rules.ts";
import { SyncWaiters } from "./sync_waiters.ts";

/** The node's reports, and when they change. */
export interface SyncSource {
  readonly view: { readonly entries: ReadonlyMap<string, DataEntry> };
  /** @returns what ends the calls. */
  onChange(listener: () => void): () => void;
}

/** Remembers, durably, what has been synced. */
export interface SyncRecord {
  pending(reports: ReadonlyMap<string, DataEntry>): ReportChanges;
  /** Whether the control plane has exactly this entry, and since when. */
  synced(entry: DataEntry): SyncedMark | undefined;
  /** Whether a key has arrived there, or may have. */
  mayHave(key: string): boolean;
  /** These go up for the first time, and may arrive without a word of it. */
  markSending(keys: readonly string[]): Promise<void>;
  /** These were not taken. */
  markRefused(keys: readonly string[]): void;
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
  /** When it was refused, ms since the Unix epoch. */
  readonly atMs: number;
  /** What the control plane said. */
  readonly error: string;
}

/** How far one report is. */
export interface ReportSync {
  readonly state: ReportSyncState;
  /** When it was taken or refused, ms since the Unix epoch, where that is known. */
  readonly atMs?: number;
  /** Why it was refused. */
  readonly error?: string;
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
  /** Monotonic time before which nothing is to be sent again. */
  #restUntilMs = -Infinity;
  readonly #waiters = new SyncWaiters();
  #wake: (() => void) | undefined;
  /** Ends a wait for a control plane that was not there. */
  #found: (() => void) | undefined;
  /** Ends the quiet time. */
  #hurry: (() => void) | undefined;
  /** Counts how often it was looked what is left to do. */
  #plan = 0;
  #isSuspended = false;
  #isOver = false;

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
    const { clock } = this.#options.io;
    if (this.#restUntilMs === -Infinity) return this.#status;
    const nextTryMs = wallTimeOf(this.#restUntilMs, clock);
    return { ...this.#status, nextTryMs };
  }

  /** Changes that the control plane does not have, refused ones included. */
  get pending(): number {
    return this.#changes().length;
  }

  /** How many reports are how far. */
  get counts(): Readonly<Record<ReportSyncState, number>> {
    const counts = {
      synced: 0,
      pending: 0,
      suspended: 0,
      refused: 0,
      local_only: 0,
    };
    for (const entry of this.#options.reports.view.entries.values()) {
      counts[this.stateOf(entry).state]++;
    }
    return counts;
  }

  /** How far a report of the current view is. */
  stateOf(entry: DataEntry): ReportSync {
    if (!this.#rules.carries(entry)) return { state: "local_only" };
    const mark = this.#options.ledger.synced(entry);
    if (mark) {
      const { atMs } = mark;
      return { state: "synced", ...(atMs === undefined ? {} : { atMs }) };
    }
    const parked = this.#parked.get(entry.key);
    if (parked?.entry === entry) {
      return { state: "refused", atMs: parked.atMs, error: parked.error };
    }
    return { state: this.#isSuspended ? "suspended" : "pending" };
  }

  /**
   * Waits until the control plane has what was written under `key`, or a later
   * write of it. Quiet time is cut short, a pause after a failure is not:
   * programs must not be able to press the control plane.
   *
   * @param entry What was written; undefined for a deletion.
   * @returns at once what cannot change soon, and "pending" when `signal` aborts
   * or the agent stops.
   */
  wait(
    key: string,
    entry: DataEntry | undefined,
    signal: AbortSignal,
  ): Promise<ReportSyncState> {
    const { state } = entry ? this.stateOf(entry) : this.#stateOfDeletion(key);
    if (state !== "pending" || this.#isOver) return Promise.resolve(state);
    const done = this.#waiters.add(key, entry, this.#plan, signal);
    this.#hurry?.();
    return done;
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
      this.#isOver = true;
      this.#waiters.endAll("pending");
    }
  }

  /**
   * Sends what is left, once and at once, as before the agent ends. What is not
   * taken goes up after the next start. Never rejects.
   */
  async flush(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    const changes = this.#pending();
    // Somebody asked to wait.
    if (changes.length === 0 || this.#restUntilMs > clock.elapsed()) return;
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
    this.#forgetGone();
    const pending = this.#pending();
    this.#endNeedless(pending);
    if (pending.length === 0) return await changed;
    await this.#settle(signal);
    for (let attempt = 1;; attempt++) {
      this.#plan++;
      const failure = await this.#send(this.#pending(), signal);
      this.#suspend(failure);
      // What changed meanwhile settles in a round of its own.
      if (!failure) return;
      const wait_ms = Math.round(this.#waitAfter(failure, attempt));
      const error = describeError(failure);
      this.#restUntilMs = clock.elapsed() + wait_ms;
      this.#status = { ...this.#status, lastError: error };
      log.warn("Report sync failed", { attempt, wait_ms, error });
      if (isAbsence(failure)) {
        const arm = (wake: (() => void) | undefined) => this.#found = wake;
        await this.#sleepUnless(arm, wait_ms, signal);
      } else await this.#sleep(wait_ms, signal);
    }
  }

  /** Lets changes come together, unless somebody waits for one of them. */
  async #settle(signal: AbortSignal): Promise<void> {
    if (this.#waiters.size > 0) return;
    await this.#sleepUnless(
      (wake) => this.#hurry = wake,
      this.#debounceMs,
      signal,
    );
  }

  /** A deletion that nobody heard of has no one to be told to. */
  #stateOfDeletion(key: string): ReportSync {
    const isPending = this.#changes().some((change) =>
      change.key === key && !change.entry
    );
    if (!isPending) return { state: "synced" };
    const parked = this.#parked.get(key);
    if (parked && !parked.entry) {
      return { state: "refused", atMs: parked.atMs, error: parked.error };
    }
    return { state: this.#isSuspended ? "suspended" : "pending" };
  }

  #endNeedless(pending: readonly Change[]) {
    if (this.#waiters.size === 0) return;
    this.#waiters.endAllBut(new Set(pending.map(({ key }) => key)));
  }

  #suspend(failure: Error | undefined) {
    this.#isSuspended = failure !== undefined && this.#rules.suspends(failure);
    if (this.#isSuspended) this.#waiters.endAll("suspended");
  }

  /** What is left to do, refused content aside. */
  #pending(): Change[] {
    return this.#changes().filter(({ key, entry }) => {
      const parked = this.#parked.get(key);
      return !parked || parked.entry !== entry;
    });
  }

  /**
   * All that the control plane could have and has not, in the order of keys. A
   * report that cannot be sent any more is gone there: nobody may take what it
   * said before for what it says.
   */
  #changes(): Change[] {
    const { reports, ledger } = this.#options;
    const { entries, deleted } = ledger.pending(reports.view.entries);
    const changes: Change[] = [
      ...entries.map((entry) =>
        !this.#rules.carries(entry) && ledger.mayHave(entry.key)
          ? { key: entry.key }
          : { key: entry.key, entry }
      ),
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
    const first = changes.entries.map(({ key }) => key)
      .filter((key) => !ledger.mayHave(key));
    try {
      await this.#noteSending(first);
      await uplink.syncReports(changes, signal);
      await ledger.markSynced(changes);
    } catch (error) {
      if (signal.aborted || !(error instanceof Error)) throw error;
      if (isRefused(error)) ledger.markRefused(first);
      const decision = this.#rules.after(error);
      if (decision === "later" || decision === "others_first") return error;
      const untilRoom = decision === "park_until_room";
      if (batch.length === 1) {
        this.#park(batch, untilRoom, error);
        return undefined;
      }
      return untilRoom
        ? await this.#sendWhatFits(batch, error, signal)
        // Halved until whatever is refused stands alone.
        : await this.#send(batch, signal, Math.ceil(batch.length / 2));
    }
    this.#taken(changes);
    for (const { key, entry } of batch) {
      this.#waiters.ended(key, entry, this.#plan, "synced");
    }
    return undefined;
  }

  /**
   * Sends a batch for which there is no room in pieces: first deletions and
   * changes of what the control plane has, then new reports up to the first one
   * that finds no room. Those after it would find none either.
   */
  async #sendWhatFits(
    batch: readonly Change[],
    refusal: Error,
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    const { ledger } = this.#options;
    const isNew = ({ key, entry }: Change) => entry && !ledger.mayHave(key);
    const { fresh = [], known = [] } = Object.groupBy(
      batch,
      (change) => isNew(change) ? "fresh" : "known",
    );
    const half = Math.ceil(batch.length / 2);
    const [first, rest] = fresh.length > 0 && known.length > 0
      ? [known, fresh]
      : [batch.slice(0, half), batch.slice(half)];
    const failure = await this.#send(first, signal, first.length);
    if (failure && this.#rules.after(failure) === "later") return failure;
    const isFull = first.some((change) =>
      isNew(change) && this.#parked.get(change.key)?.entry === change.entry
    );
    if (!isFull) {
      return await this.#send(rest, signal, rest.length) ?? failure;
    }
    this.#park(rest, true, refusal);
    return failure;
  }

  /** What tells of a full disk must go up, too: it is sent in any case. */
  async #noteSending(keys: readonly string[]): Promise<void> {
    try {
      await this.#options.ledger.markSending(keys);
    } catch (error) {
      this.#options.io.log.debug("Not stored which reports are on their way", {
        error: describeError(error),
      });
    }
  }

  #taken({ entries, deleted }: ReportChanges) {
    for (const key of [...entries.map(({ key }) => key), ...deleted]) {
      this.#parked.delete(key);
    }
    if (deleted.length > 0) this.#unparkForRoom();
    const { clock, log } = this.#options.io;
    this.#status = { lastSuccessMs: clock.now() };
    this.#restUntilMs = -Infinity;
    log.info("Reports synced", {
      entries: entries.length,
      deleted: deleted.length,
    });
  }

  /** What is refused and then deleted leaves nothing to tell, nor to keep. */
  #forgetGone() {
    const { reports, ledger } = this.#options;
    for (const [key, { entry }] of this.#parked) {
      const isThere = entry
        ? reports.view.entries.get(key) === entry
        : ledger.mayHave(key);
      if (!isThere) this.#parked.delete(key);
    }
  }

  #unparkForRoom() {
    for (const [key, { untilRoom }] of this.#parked) {
      if (untilRoom) this.#parked.delete(key);
    }
  }

  /** Sets aside what was refused. */
  #park(changes: readonly Change[], untilRoom: boolean, refusal: Error) {
    const { clock, log } = this.#options.io;
    const error = describeError(refusal);
    const atMs = clock.now();
    for (const { key, entry } of changes) {
      this.#parked.set(key, { entry, untilRoom, atMs, error });
      this.#waiters.ended(key, entry, this.#plan, "refused");
    }
    this.#status = { ...this.#status, lastError: error };
    const [first, ...others] = changes;
    const until = untilRoom ? "there is room" : "it changes";
    log.warn(`Report refused, kept until ${until}`, {
      key: first?.key,
      ...(others.length === 0 ? {} : { others: others.length }),
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

  /** Sleeps, unless what `arm` is given is called first. */
  async #sleepUnless(
    arm: (wake: (() => void) | undefined) => void,
    ms: number,
    signal: AbortSignal,
  ): Promise<void> {
    const woken = new AbortController();
    arm(() => woken.abort());
    try {
      await this.#sleep(ms, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (signal.aborted || !woken.signal.aborted) throw error;
    } finally {
      arm(undefined);
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

/** Whether the control plane has said itself that it took nothing of a call. */
function isRefused(failure: Error): boolean {
  return failure instanceof ControlError && failure.status !== undefined &&
    failure.status >= 400 && failure.status < 500;
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
