import { setImmediate } from "node:timers";
import type { Clock } from "../../src/platform/clock.ts";

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #wall: number;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];

  constructor(start: string | number = "2026-03-01T12:00:00Z") {
    this.#wall = typeof start === "number" ? start : Date.parse(start);
  }

  now(): number {
    return this.#wall;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** How long each sleeper still has to wait, in ms, shortest first. */
  get sleeping(): number[] {
    return this.#sleepers.map((sleeper) => sleeper.due - this.#elapsed)
      .sort((a, b) => a - b);
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal.removeEventListener("abort", stop);
      };
      const stop = () => {
        leave();
        reject(signal.reason);
      };
      const wake = () => {
        leave();
        resolve();
      };
      const sleeper = { due: this.#elapsed + Math.max(0, ms), wake };
      this.#sleepers.push(sleeper);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Moves time on, waking sleepers in order and letting each of them run. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsed + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.toSorted((a, b) => a.due - b.due)[0];
      if (!next || next.due > target) break;
      this.#moveTo(Math.max(next.due, this.#elapsed));
      next.wake();
    }
    this.#moveTo(target);
    await settle();
  }

  /** Wall time jumps, as after sleep or a clock change; monotonic time does not. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(elapsed: number) {
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Lets promise callbacks and finished I/O run, without waiting for any time. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
