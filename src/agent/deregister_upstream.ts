import { describeError } from "../platform/log.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";

/** The control plane did not remove this node, and nothing was changed here. */
export class DeregistrationError extends Error {
  override readonly name = "DeregistrationError";

  constructor(
    readonly kind: "unavailable" | "refused",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * Asks the control plane to remove this node. One that does not know it, or its
 * key, any more has done so already.
 *
 * @param force Whether to go on although the control plane has not removed it.
 * @returns what to tell beside the outcome; empty when all is as expected.
 * @throws {DeregistrationError} unless `force` is set.
 */
export async function deregisterUpstream(
  uplink: Pick<NodeUplink, "deregister">,
  force: boolean,
  signal: AbortSignal,
): Promise<string> {
  try {
    await uplink.deregister(signal);
    return "";
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    const { kind, isPage } = error;
    if ((kind === "unauthorized" || kind === "not_found") && !isPage) {
      return "the control plane did not know this node any more";
    }
    if (force) {
      return "the control plane still lists this node: " + describeError(error);
    }
    const refused = kind === "forbidden" || kind === "unsupported" ||
      kind === "bad_request" || kind === "conflict";
    throw new DeregistrationError(
      refused ? "refused" : "unavailable",
      refused
        ? "The control plane does not let this node deregister"
        : "The control plane could not be asked to remove this node",
      error,
    );
  }
}
