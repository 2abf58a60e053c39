import { describeError } from "../platform/log.ts";
import { ControlError } from "./control_error.ts";

/**
 * An error in one line, with the name under which the control plane has noted
 * the call. That is another one each time: the text is to be shown, and not to
 * be compared with others.
 */
export function describeFailure(error: unknown): string {
  const text = describeError(error);
  return error instanceof ControlError ? text + correlationIn(error) : text;
}

/** What follows on the text of a failure. */
export function correlationIn({ correlationId }: ControlError): string {
  return correlationId === undefined
    ? ""
    : ` [correlation id ${correlationId}]`;
}
