/** Time, as the client sees it. The agent's own clock fits, and a test's. */
export interface ClientClock {
  /** Resolves after `ms`, or rejects with the signal's reason once it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What timers can count up to; beyond it they would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The clock of the machine; more than 24 days are 24 days to it. This module is handed to other programs, so it
 * cannot use the agent's.
 */
export const machineClock: ClientClock = {
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, Math.min(ms, LONGEST_MS));
      signal.addEventListener("abort", stop, { once: true });
    });
  },
};
