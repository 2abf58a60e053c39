/** Where a compiled program comes from. */
export interface BuildInfo {
  /** The commit in full; with `-dirty` when files differed from it. */
  readonly commit: string;
  /** Date of the commit in ISO 8601: two builds of one commit are the same. */
  readonly committedAt: string;
  /**
   * Whose runtime it was put on: Deno's own, the pinned substitute, or one that
   * the builder has named.
   */
  readonly base: "official" | "unofficial" | "given";
}

/** Undefined from source; `deno task compile` puts another file in its place. */
export const BUILD: BuildInfo | undefined = undefined;
