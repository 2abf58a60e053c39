/** Something cannot be installed, removed or upgraded. */
export class HostError extends Error {
  override readonly name = "HostError";

  /**
   * @param hint What to do about it.
   */
  constructor(
    readonly kind: "refused" | "failed" | "unreachable" | "rolled_back",
    message: string,
    readonly hint?: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
