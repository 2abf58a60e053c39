import type { Clock } from "../platform/clock.ts";
import { ProblemError } from "./http/problem.ts";

/** Calls that a node may make at once, after it was silent for long. */
const BURST = 30;

/** Pause after which one more call is allowed. */
const PAUSE_MS = 1_000;

/** Beyond this, nodes that have their whole allowance back are forgotten. */
const MANY_NODES = 10_000;

/** Bounds how often each node may make calls that only add to a pile. */
export class CallRates {
  readonly #clock: Clock;
  /** When each node will have its whole allowance back, by `elapsed`. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts one call.
   *
   * @throws {ProblemError} 429 "per_node_rate_limited" with `Retry-After`.
   */
  count(nodeId: string): void {
    const nowMs = this.#clock.elapsed();
    const fullAtMs = Math.max(this.#fullAtMs.get(nodeId) ?? 0, nowMs) +
      PAUSE_MS;
    const waitMs = fullAtMs - nowMs - BURST * PAUSE_MS;
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
