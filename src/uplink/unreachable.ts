import { ControlError } from "./control_error.ts";

/** What `undici` calls failures to connect. */
const CONNECT_CODES = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * Whether a call has certainly not been seen by any control plane, as there was
 * no connection: then it can be made again elsewhere, whatever it does.
 *
 * The runtime tells this in words only: in the message or in that of the cause,
 * by its version.
 */
export function wasNeverSent(error: ControlError): boolean {
  if (error.kind !== "unreachable") return false;
  let cause: unknown = error.cause;
  for (let depth = 0; cause instanceof Error && depth < 4; depth++) {
    if (cause.message.includes("client error (Connect)")) return true;
    if ("code" in cause && CONNECT_CODES.has(String(cause.code))) return true;
    cause = cause.cause;
  }
  return false;
}

/**
 * Whether an address failed, rather than the control plane behind it: another
 * one may work. 502, 503 and 504 come from what stands in front of it; so do
 * redirects, such as to a page about maintenance, and 407 of a proxy.
 */
export function isAddressFailure({ kind, status = 0 }: ControlError): boolean {
  return kind === "unreachable" || kind === "timeout" ||
    status >= 300 && status <= 399 || status === 407 ||
    status >= 502 && status <= 504;
}
