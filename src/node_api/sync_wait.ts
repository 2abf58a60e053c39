import type { Clock } from "../platform/clock.ts";
import { parseDuration } from "../wire/duration.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { errorAnswer } from "./answers.ts";
import type { ApiReportSync } from "./ports.ts";
import { parameter, queryOf } from "./query.ts";

/** How long a writer waits who does not say. */
const USUAL_WAIT_MS = 10_000;

/** No write should hold its connection for longer. */
const LONGEST_WAIT_MS = 60_000;

/** What a writer has changed; without an entry: what it has removed. */
export interface Written {
  readonly key: string;
  readonly entry?: DataEntry;
}

/** What {@linkcode SyncWait} works with. */
export interface SyncWaitOptions {
  /** Absent where reports go nowhere. */
  readonly sync: ApiReportSync | undefined;
  /** Brings short-lived credentials up to date before somebody waits. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** Aborts when writers must not be kept waiting any longer. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
}

/** Keeps writers waiting who want to know that the control plane has it. */
export class SyncWait {
  readonly #options: SyncWaitOptions;

  constructor(options: SyncWaitOptions) {
    this.#options = options;
  }

  /**
   * How long a request wants to wait, ms; undefined when it does not.
   *
   * @returns a refusal of values that mean nothing.
   */
  static limitIn(url: string): number | undefined | Response {
    const query = queryOf(url);
    if (!query) return undefined;
    const wait = parameter(query, "wait");
    const timeout = parameter(query, "timeout");
    if (wait instanceof Response) return wait;
    if (timeout instanceof Response) return timeout;
    if (wait === undefined) return undefined;
    if (wait !== "synced") return errorAnswer(400, "wait must be synced");
    if (timeout === undefined) return USUAL_WAIT_MS;
    const ms = parseDuration(timeout) ?? 0;
    return ms >= 1 && ms <= LONGEST_WAIT_MS
      ? ms
      : errorAnswer(400, "timeout must be a duration from 1ms to 60s");
  }

  /** How far a write is, at this moment. */
  stateOf(entry: DataEntry): ReportSyncState {
    return this.#options.sync?.stateOf(entry).state ?? "pending";
  }

  /**
   * Waits until the control plane has all that was written, for `limitMs` at
   * most. What is known not to get there soon is not waited for.
   *
   * @param gone Aborts when nobody is left who would hear of it.
   * @returns how far each write is, in the order of `written`.
   */
  async until(
    written: readonly Written[],
    limitMs: number,
    gone: AbortSignal,
  ): Promise<readonly ReportSyncState[]> {
    const { sync, refresh, stop, clock } = this.#options;
    if (!sync) return written.map(() => "pending");
    const over = new AbortController();
    const done = new AbortController();
    const limit = clock.sleep(limitMs, done.signal)
      .then(() => over.abort(), () => {});
    const signal = AbortSignal.any([stop, gone, over.signal]);
    try {
      await refresh(signal);
      return await Promise.all(
        written.map(({ key, entry }) => sync.wait(key, entry, signal)),
      );
    } finally {
      done.abort();
      await limit;
    }
  }
}
