import type { Clock } from "../platform/clock.ts";

/** What bounds a piece of work. */
export interface Deadline {
  readonly clock: Clock;
  /** Time that the work may take. */
  readonly ms: number;
  /** Ends the work early. */
  readonly signal: AbortSignal;
  /** The error when the time is up. */
  readonly late: () => Error;
}

/** A signal that aborts in time, and what ends the waiting for that. */
export interface Cut extends AsyncDisposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that aborts when time is up or the caller's signal aborts. Disposed,
 * it leaves neither timer nor listener behind.
 */
export function cutAfter({ clock, ms, signal, late }: Deadline): Cut {
  const cut = new AbortController();
  const finished = new AbortController();
  const relay = () => cut.abort(signal.reason);
  signal.addEventListener("abort", relay, { once: true });
  if (signal.aborted) relay();
  // Rejects only once the work is finished; then nobody waits any more.
  const timer = clock.sleep(ms, finished.signal)
    .then(() => cut.abort(late()), () => {});
  return {
    signal: cut.signal,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", relay);
      finished.abort();
      await timer;
    },
  };
}

/**
 * Runs `work` with a signal that aborts when time is up or the caller's signal
 * aborts.
 *
 * @throws the error of `late` when time was up, the reason of the caller's
 * signal when that aborted, else what `work` throws.
 */
export async function withDeadline<T>(
  deadline: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  deadline.signal.throwIfAborted();
  await using cut = cutAfter(deadline);
  try {
    const result = await work(cut.signal);
    cut.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw cut.signal.aborted ? cut.signal.reason : error;
  }
}
