import type { DegradedReason } from "../wire/status.ts";

/**
 * Why no secret can be had: what is wrong with the agent, or that this node is
 * restored from a backup, and not confirmed by the control plane yet.
 */
export type SecretRefusal = DegradedReason | "restore_unconfirmed";

/** The control plane is not asked for secrets now. */
export class SecretUnavailableError extends Error {
  override readonly name = "SecretUnavailableError";

  constructor(readonly reason: SecretRefusal) {
    super(`No secret can be had now: ${reason}`);
  }
}
