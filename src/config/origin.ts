/** Where the value of a setting comes from, the last one being the weakest. */
export const ORIGIN_KINDS = [
  "flag",
  "environment",
  "terminal",
  "file",
  "default",
] as const;

/** Where one value comes from. */
export interface Origin {
  readonly kind: typeof ORIGIN_KINDS[number];
  /**
   * The flag, the variable, the command, or `file:line:column`; absent for a
   * default.
   */
  readonly where?: string;
  /** As it was written there, before it was read. */
  readonly written?: unknown;
}
