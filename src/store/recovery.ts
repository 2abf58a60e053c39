/** Something on disk was not as it was left, and what was done about it. */
export interface Recovery {
  /** Path below the membership's folder. */
  readonly file: string;
  /** What was found. */
  readonly what: string;
  /** What was done about it. */
  readonly action: string;
}

/** Hears of every repair; none of them is silent. */
export type RecoveryListener = (recovery: Recovery) => void;
