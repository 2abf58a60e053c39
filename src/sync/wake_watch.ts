import type { Clock } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";

/** What {@linkcode WakeWatch} needs. */
export interface WakeWatchOptions {
  /** Hears for how long the machine was away, in ms. */
  readonly onWake: (sleptMs: number, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

/** Between two looks at the clocks. */
const LOOK_MS = 3_000;

/** Wall time that has passed beyond monotonic time, which no clock drifts by. */
const JUMP_MS = 5_000;

/**
 * Notices that the machine has slept: wall time has gone on meanwhile, and
 * monotonic time has not. A wall clock that is set ahead looks the same, and
 * what is done about it does no harm then.
 */
export class WakeWatch implements Part {
  readonly name = "wake watch";
  readonly #options: WakeWatchOptions;

  constructor(options: WakeWatchOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, onWake } = this.#options;
    let awayMs = clock.now() - clock.elapsed();
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      if (signal.aborted) return;
      const nowMs = clock.now() - clock.elapsed();
      const sleptMs = nowMs - awayMs;
      awayMs = nowMs;
      if (sleptMs > JUMP_MS) await onWake(sleptMs, signal);
    }
  }
}
