/** The control plane cannot start; the message says what to do. */
export class ControlPlaneStartError extends Error {
  override readonly name = "ControlPlaneStartError";

  constructor(
    readonly kind: "already_running" | "master_key" | "database" | "artifacts",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
