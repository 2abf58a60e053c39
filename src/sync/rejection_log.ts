import type { Clock } from "../platform/clock.ts";
import type { LogFields, Logger } from "../platform/log.ts";

/** A flood of bad events must not become a flood of log lines. */
const LOG_EVERY_MS = 1_000;

/** Counts refused events by reason, and logs at most one a second of each. */
export class RejectionLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #counts: Record<string, number> = {};
  readonly #loggedMs = new Map<string, number>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Refused events by reason. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** Counts one that is logged elsewhere. @returns how many there were. */
  count(reason: string): number {
    return this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
  }

  /** Counts and logs one. */
  add(reason: string, fields: LogFields = {}): void {
    const count = this.count(reason);
    const now = this.#clock.elapsed();
    const last = this.#loggedMs.get(reason) ?? -Infinity;
    if (now - last < LOG_EVERY_MS) return;
    this.#loggedMs.set(reason, now);
    this.#log.warn("Event refused", { reason, count, ...fields });
  }
}
