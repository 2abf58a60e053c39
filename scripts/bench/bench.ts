import type { Measured, Subject } from "./row.ts";
import type { Workshop } from "./workshop.ts";

/** Rows that are measured together, since they share their processes. */
export interface Bench {
  readonly subjects: readonly Subject[];
  /** Measures all subjects, in their order. */
  measure(workshop: Workshop): Promise<readonly Measured[]>;
}

/** How often a figure and its floor are taken; the medians count. */
export const ROUNDS = 5;
