/** A build cannot go on: what is wrong, and what to do. */
export class BuildError extends Error {
  override readonly name = "BuildError";

  constructor(message: string, readonly hint: string, cause?: unknown) {
    super(message, { cause });
  }
}
