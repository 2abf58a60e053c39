/** What is wrong, in one sentence, and what to do about it. */
export interface Problem {
  /** One word for programs, such as a degraded reason. */
  readonly reason: string;
  readonly sentence: string;
  readonly advice: string;
}
