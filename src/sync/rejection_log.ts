import type { Clock } from "../platform/clock.ts";
import type { LogFields, Logger } from "../platform/log.ts";

/** Hears that events were refused, and how many of that reason so far. */
export type RejectionListener = (reason: string, count: number) => void;

/** A flood of bad events must not become a flood of log lines. */
const TELL_EVERY_MS = 1_000;

/** Counts refused events by reason, and tells of at most one a second of each. */
export class RejectionLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #heard: RejectionListener | undefined;
  readonly #counts: Record<string, number> = {};
  readonly #toldMs = new Map<string, number>();

  constructor(clock: Clock, log: Logger, heard?: RejectionListener) {
    this.#clock = clock;
    this.#log = log;
    this.#heard = heard;
  }

  /** Refused events by reason. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /**
   * Counts one that is logged elsewhere.
   *
   * @returns how many there were, if that is to be told.
   */
  count(reason: string): number | undefined {
    const count = this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
    const now = this.#clock.elapsed();
    const last = this.#toldMs.get(reason) ?? -Infinity;
    if (now - last < TELL_EVERY_MS) return undefined;
    this.#toldMs.set(reason, now);
    this.#heard?.(reason, count);
    return count;
  }

  /** Counts and logs one. */
  add(reason: string, fields: LogFields = {}): void {
    const count = this.count(reason);
    if (count === undefined) return;
    this.#log.warn("Event refused", { reason, count, ...fields });
  }
}
