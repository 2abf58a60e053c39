/** Time, as the client sees it. The agent's own clock fits, and a test's. */
export interface ClientClock {
  /** Resolves after `ms`, or rejects with the signal's reason once it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * The clock of the machine. This module is handed to other programs, so it
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
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    });
  },
};
