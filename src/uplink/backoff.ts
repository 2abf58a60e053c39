/** Options for {@linkcode backoffMs}. */
export interface BackoffOptions {
  /** Step before the second attempt. @default {1000} */
  readonly baseMs?: number;
  /** Largest step, before jitter. @default {60000} */
  readonly maxMs?: number;
}

/** Nodes that failed together must not come back together. */
const JITTER = 0.25;

/**
 * Wait after failure number `failures` (from 0): doubling steps, each spread by
 * a quarter either way. The cap is on the step, before jitter.
 *
 * @see docs/wire.md, section b.7
 */
export function backoffMs(
  failures: number,
  unit: () => number,
  options: BackoffOptions = {},
): number {
  const { baseMs = 1_000, maxMs = 60_000 } = options;
  const step = Math.min(baseMs * 2 ** failures, maxMs);
  return step * (1 - JITTER + 2 * JITTER * unit());
}

/** Nodes that were started together do not call together for ever. */
const SPREAD = 0.1;

/** An interval, spread by a tenth either way. @param unit From 0 to 1. */
export function spreadMs(ms: number, unit: () => number): number {
  return ms * (1 - SPREAD + 2 * SPREAD * unit());
}

/** However long a server asks to wait, a node looks again within the hour. */
export const RETRY_AFTER_CAP_MS = 3_600_000;
