import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "./backoff.ts";
import { AFTER_FAILURE, ControlError } from "./control_error.ts";

/** What {@linkcode FailureSeries} needs. */
export interface FailureSeriesOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Failures of one endeavour since it last went well. */
export class FailureSeries {
  readonly #options: FailureSeriesOptions;
  #baseMs: number;
  #count = 0;
  #sinceMs: number | undefined;

  constructor(options: FailureSeriesOptions) {
    this.#options = options;
    this.#baseMs = options.baseMs;
  }

  /** How many failures there have been. */
  get count(): number {
    return this.#count;
  }

  /** Time since the first failure; 0 when there has been none. */
  get lastingMs(): number {
    if (this.#sinceMs === undefined) return 0;
    return this.#options.clock.elapsed() - this.#sinceMs;
  }

  /**
   * The server asks for another reconnection time. It can only slow a node
   * down, and by no more than the longest step.
   */
  setBase(ms: number): void {
    const { baseMs, maxMs } = this.#options;
    this.#baseMs = Math.min(Math.max(ms, baseMs), maxMs);
  }

  /** It went well: the next failure is the first one again. */
  end(): void {
    this.#count = 0;
    this.#sinceMs = undefined;
  }

  /**
   * Takes one failure and says how long to wait, in ms.
   *
   * What the server asked for is waited in full, at most an hour, and a first
   * step beyond: `Retry-After: 0` is then no busy loop, and nodes that were
   * told the same moment do not all come at it. Being rate limited is an
   * answer, so it does not lengthen the series.
   */
  add(error: unknown): number {
    const known = error instanceof ControlError ? error : undefined;
    const limited = known !== undefined &&
      AFTER_FAILURE[known.kind].stream === "rate_limited";
    const step = this.#step(this.#count);
    if (!limited) {
      this.#count++;
      this.#sinceMs ??= this.#options.clock.elapsed();
    }
    if (known?.retryAfterMs === undefined) return step;
    return Math.min(known.retryAfterMs, RETRY_AFTER_CAP_MS) + this.#step(0);
  }

  #step(failures: number): number {
    return backoffMs(failures, () => this.#options.random.unit(), {
      baseMs: this.#baseMs,
      maxMs: this.#options.maxMs,
    });
  }
}
