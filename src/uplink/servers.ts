import type { Clock } from "../platform/clock.ts";
import type { BaseUrl } from "./base_url.ts";

/** How long calls stay with another address before the first is tried again. */
const BACK_TO_FIRST_MS = 300_000;

/**
 * The addresses of one control plane, in order of preference, and which of them
 * is asked now.
 *
 * Calls stay with the one that works. A while after the first has failed it is
 * tried again, since it is the preferred one.
 */
export class Servers {
  readonly #all: readonly BaseUrl[];
  readonly #clock: Clock;
  #at = 0;
  /** When the first failed, by the monotonic clock. */
  #firstFailedMs = 0;

  /** @param all At least one. */
  constructor(all: readonly BaseUrl[], clock: Clock) {
    this.#all = all;
    this.#clock = clock;
  }

  /** Strangers may read or change what goes to one of them. */
  get exposed(): boolean {
    return this.#all.some(({ exposed }) => exposed);
  }

  /** All of them, in the order in which one call tries them. */
  inOrder(): readonly BaseUrl[] {
    const since = this.#clock.elapsed() - this.#firstFailedMs;
    if (since >= BACK_TO_FIRST_MS) this.#at = 0;
    return [...this.#all.slice(this.#at), ...this.#all.slice(0, this.#at)];
  }

  /**
   * Says that one of them does not work: the next call begins with the next.
   *
   * @returns the one that the next call begins with; undefined when calls do
   * not begin with the failed one anyway.
   */
  failed(server: BaseUrl): BaseUrl | undefined {
    if (this.#all[this.#at] !== server || this.#all.length === 1) {
      return undefined;
    }
    if (this.#at === 0) this.#firstFailedMs = this.#clock.elapsed();
    this.#at = (this.#at + 1) % this.#all.length;
    return this.#all[this.#at];
  }
}
