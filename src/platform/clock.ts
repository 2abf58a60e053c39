/**
 * Time, as everything in plexd sees it. Only this file touches `Date` and
 * timers, so tests move time by hand and never sleep.
 */
export interface Clock {
  /** Wall time in ms since the Unix epoch. Can jump: for `issued_at` only. */
  now(): number;
  /** Monotonic time in ms. For durations and deadlines. */
  elapsed(): number;
  /** Resolves after `ms`, or rejects with the signal's reason once it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Longest delay a timer can carry; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let left = Math.max(0, ms);
      let timer: ReturnType<typeof setTimeout>;
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const wait = () => {
        const step = Math.min(left, LONGEST_TIMER_MS);
        left -= step;
        timer = setTimeout(() => {
          if (left > 0) return wait();
          signal.removeEventListener("abort", stop);
          resolve();
        }, step);
      };
      signal.addEventListener("abort", stop, { once: true });
      wait();
    });
  },
};

/**
 * When a monotonic moment is by the wall, as the clock goes now: it may have been
 * set since somebody planned on that moment.
 */
export function wallTimeOf(elapsedMs: number, clock: Clock): number {
  return clock.now() + elapsedMs - clock.elapsed();
}

/** RFC 3339 text in UTC with milliseconds, for bodies and logs. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
