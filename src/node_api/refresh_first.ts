import type { Clock } from "../platform/clock.ts";

/** Whoever asks must not wait longer for a refresh than for the answer. */
const LONGEST_REFRESH_MS = 3_000;

/**
 * Runs what brings credentials up to date, within bounds. Never rejects: if
 * they are not up to date afterwards, the call that needs them says so.
 *
 * @param hook Undefined where there is nothing to refresh.
 */
export function refreshFirst(
  hook: ((signal: AbortSignal) => Promise<void>) | undefined,
  clock: Clock,
): (signal: AbortSignal) => Promise<void> {
  if (!hook) return () => Promise.resolve();
  return async (signal) => {
    if (signal.aborted) return;
    const done = new AbortController();
    const over = new AbortController();
    const limit = clock.sleep(LONGEST_REFRESH_MS, done.signal)
      .then(() => over.abort(), () => {});
    const bounded = AbortSignal.any([signal, over.signal]);
    const given = Promise.withResolvers<void>();
    const give = () => given.resolve();
    bounded.addEventListener("abort", give, { once: true });
    try {
      await Promise.race([hook(bounded), given.promise]);
    } catch {
      // Told by whoever refreshes.
    } finally {
      bounded.removeEventListener("abort", give);
      done.abort();
      await limit;
    }
  };
}
