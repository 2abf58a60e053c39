import { ControlError } from "../uplink/control_error.ts";
import { correlationIn } from "../uplink/describe_failure.ts";
import { CommandError, EXIT } from "./command.ts";

/** A failed call to the control plane, as an engineer needs to hear it. */
export function controlFailure(error: ControlError): CommandError {
  const { kind, status, serverText } = error;
  const said = serverText ? `: ${serverText}` : "";
  return new CommandError(
    exitCodeOf(error),
    `${error.message}${said}${correlationIn(error)}`,
    kind === "unauthorized"
      ? 'the control plane does not know this node: "plexd join --force" joins anew'
      : status === undefined && kind !== "bad_answer"
      ? '"plexd ping" asks each address of the control plane'
      : undefined,
    error.cause,
  );
}

function exitCodeOf({ kind, status }: ControlError): number {
  if (kind === "not_found") return EXIT.notFound;
  // It is there, but what it says cannot be used.
  if (kind === "bad_answer") return EXIT.failed;
  return status === undefined || status >= 500
    ? EXIT.controlPlaneUnavailable
    : EXIT.failed;
}
