import type { Clock } from "../../platform/clock.ts";

/** Fewest places when descriptors are short. */
const FEWEST = 16;

/** How long after a shortage there are fewer places. */
const LASTS_MS = 30_000;

/**
 * How many connections a guard may have. Descriptors can be fewer than the
 * setting says, and nobody tells how many: a shortage teaches it, for a while.
 * What was learnt outlives a guard that is opened again.
 */
export class Places {
  readonly #most: number;
  readonly #clock: Clock;
  #fewer: number;
  #until = -Infinity;

  /** @param most As the setting says. */
  constructor(most: number, clock: Clock) {
    this.#most = this.#fewer = most;
    this.#clock = clock;
  }

  /** Whether descriptors have been short lately. */
  get areFew(): boolean {
    return this.#clock.elapsed() < this.#until;
  }

  /** Connections at a time. */
  get limit(): number {
    return this.areFew ? this.#fewer : this.#most;
  }

  /** There was no descriptor left, with so many connections. */
  shortage(connections: number): void {
    const half = Math.max(FEWEST, Math.ceil(connections / 2));
    this.#fewer = Math.min(this.limit, half);
    this.#until = this.#clock.elapsed() + LASTS_MS;
  }
}
