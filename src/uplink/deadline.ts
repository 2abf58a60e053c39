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

/**
 * Runs `work` with a signal that aborts when time is up or the caller's signal
 * aborts. Leaves neither timer nor listener behind.
 *
 * @throws the error of `late` when time was up, the reason of the caller's
 * signal when that aborted, else what `work` throws.
 */
export async function withDeadline<T>(
  { clock, ms, signal, late }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const cut = new AbortController();
  const finished = new AbortController();
  const relay = () => cut.abort(signal.reason);
  signal.addEventListener("abort", relay, { once: true });
  // Rejects only once the work is finished; then nobody waits any more.
  const timer = clock.sleep(ms, finished.signal)
    .then(() => cut.abort(late()), () => {});
  try {
    const result = await work(cut.signal);
    cut.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw cut.signal.aborted ? cut.signal.reason : error;
  } finally {
    signal.removeEventListener("abort", relay);
    finished.abort();
    await timer;
  }
}
