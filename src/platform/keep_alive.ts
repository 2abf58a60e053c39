import type { Clock } from "./clock.ts";

/** Something that wants to be called in regular intervals. */
export interface Beating {
  beat(): void;
}

/**
 * One timer for all open streams, each of which is called in intervals from
 * when it came. Nothing runs while there is none.
 */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #everyMs: number;
  /** Who is called when, by `elapsed`; in this order, as all wait as long. */
  readonly #due = new Map<Beating, number>();
  #stop: AbortController | undefined;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  add(one: Beating): void {
    this.#due.set(one, this.#clock.elapsed() + this.#everyMs);
    if (this.#stop) return;
    this.#stop = new AbortController();
    this.#run(this.#stop.signal);
  }

  remove(one: Beating): void {
    this.#due.delete(one);
    if (this.#due.size > 0) return;
    this.#stop?.abort();
    this.#stop = undefined;
  }

  async #run(signal: AbortSignal) {
    while (!signal.aborted) {
      const [dueMs = 0] = this.#due.values();
      try {
        await this.#clock.sleep(dueMs - this.#clock.elapsed(), signal);
      } catch {
        return; // nobody is left
      }
      this.#beat(this.#clock.elapsed());
    }
  }

  #beat(nowMs: number) {
    for (const [one, dueMs] of this.#due) {
      if (dueMs > nowMs) break;
      this.#due.delete(one);
      this.#due.set(one, nowMs + this.#everyMs);
      one.beat();
    }
  }
}
