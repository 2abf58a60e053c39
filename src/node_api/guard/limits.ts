import type { Places } from "./places.ts";

/** What the guard allows; times in ms. */
export interface GuardLimits {
  /** Connections at a time. */
  readonly places: Places;
  /** From a connection's first byte, or its begin, to the end of a head. */
  readonly headerTimeoutMs: number;
  /** Silence between two requests. */
  readonly idleTimeoutMs: number;
}

/** From the end of a head to the end of the body, which has 1 MiB at most. */
export const BODY_TIMEOUT_MS = 30_000;

/** Time for a client to take any byte of what is written to it. */
export const WRITE_TIMEOUT_MS = 10_000;

/** How long what a client still sends is thrown away, so that it gets its answer. */
export const LINGER_MS = 2_000;

/** How long a connection waits at least before it gives way to a newer one. */
export const PATIENCE_MS = 1_000;

/** Between two looks at all deadlines: how late they are noticed at most. */
export const SWEEP_MS = 500;

/** Between two tries to have a descriptor. */
export const SHORTAGE_MS = 5;

/** Connections let in at a time when descriptors are short. */
export const SHORTAGE_BATCH = 4;

/** Tries to reach the server behind when there is no descriptor for it. */
export const MOST_CONNECTS = 40;
