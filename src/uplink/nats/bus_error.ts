/** Why the message bus cannot be used. */
export type BusFailure =
  /** It does not accept the credentials, or not any more. */
  | "unauthorized"
  /** What the credentials are for is not there any more. */
  | "missing"
  /** It is not there, does not answer, or broke off. */
  | "unreachable"
  /** What the control plane names must not be used with this configuration. */
  | "not_allowed";

/** The message bus cannot be used. Its message holds no credential. */
export class BusError extends Error {
  override readonly name = "BusError";

  constructor(readonly kind: BusFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
