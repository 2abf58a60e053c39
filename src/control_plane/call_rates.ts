import type { Clock } from "../platform/clock.ts";
import { ProblemError } from "./http/problem.ts";

/** How often a node may call. */
export interface CallRate {
  /** Calls at once, after it was silent for long. */
  readonly burst: number;
  /** Pause after which one more call is allowed. */
  readonly pauseMs: number;
}

/** For calls that bring batches. */
const BATCHES: CallRate = { burst: 30, pauseMs: 1_000 };

/** Beyond this, nodes that have their whole allowance back are forgotten. */
const MANY_NODES = 10_000;

/** Bounds how often each node may make calls of one kind. */
export class CallRates {
  readonly #clock: Clock;
  readonly #rate: CallRate;
  /** When each node will have its whole allowance back, by `elapsed`. */
  readonly #fullAtMs = new Map<string, number>();

  /** @param rate @default {30 at once, then one a second} */
  constructor(clock: Clock, rate: CallRate = BATCHES) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /**
   * Counts one call.
   *
   * @throws {ProblemError} 429 "per_node_rate_limited" with `Retry-After`.
   */
  count(nodeId: string): void {
    const { burst, pauseMs } = this.#rate;
    const nowMs = this.#clock.elapsed();
    const fullAtMs = Math.max(this.#fullAtMs.get(nodeId) ?? 0, nowMs) +
      pauseMs;
    const waitMs = fullAtMs - nowMs - burst * pauseMs;
    if (waitMs > 0) {
      throw new ProblemError(429, "per_node_rate_limited", {
        headers: { "retry-after": String(Math.ceil(waitMs / 1000)) },
      });
    }
    if (this.#fullAtMs.size >= MANY_NODES) this.#forget(nowMs);
    this.#fullAtMs.set(nodeId, fullAtMs);
  }

  #forget(nowMs: number) {
    for (const [nodeId, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(nodeId);
    }
  }
}
