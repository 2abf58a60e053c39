/** A verified event was refused for what it says. The stream goes on. */
export class RefusedEventError extends Error {
  override readonly name = "RefusedEventError";

  constructor(
    readonly kind:
      | "foreign"
      | "unknown_epoch"
      | "outdated"
      | "keys"
      | "unconfirmed",
    message: string,
  ) {
    super(message);
  }
}
