import { describeError } from "../platform/log.ts";
import type { Degraded } from "../sync/degraded.ts";
import { ControlError } from "../uplink/control_error.ts";

/** Failures after which nobody knows whether the control plane is there. */
const UNREACHABLE: readonly ControlError["kind"][] = [
  "unreachable",
  "timeout",
  "server",
  "bad_answer",
  "unexpected_status",
];

/**
 * Turns the outcome of a call into what is wrong with the connection.
 *
 * @returns a function to call with each call's failure, or `undefined` for a
 * success.
 */
export function watchContact(degraded: Degraded): (failure: unknown) => void {
  return (failure) => {
    if (failure === undefined) {
      degraded.clear("control_plane_unreachable");
      degraded.clear("unauthorized");
      return;
    }
    if (!(failure instanceof ControlError)) return;
    const detail = describeError(failure);
    if (failure.kind === "unauthorized" || failure.kind === "forbidden") {
      degraded.clear("control_plane_unreachable");
      degraded.raise("unauthorized", { detail });
    } else if (UNREACHABLE.includes(failure.kind)) {
      degraded.raise("control_plane_unreachable", { detail });
    }
  };
}
