import { checkBaseUrl } from "./base_url.ts";
import { ControlError, failureOf } from "./control_error.ts";
import { withDeadline } from "./deadline.ts";
import type { HttpCaller } from "./http_caller.ts";

/**
 * Puts the output of an execution where the control plane wants it: without
 * the node's bearer, and without following redirects. The address is told to
 * nobody, as it may hold a signature.
 *
 * @returns SHA-256 of the bytes in hex; undefined when they could not be put.
 * @see docs/wire.md, section h.7
 */
export async function putOutput(
  { options }: HttpCaller,
  address: string,
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { clock, log, transport, requestTimeoutMs: ms } = options;
  if (!isAllowed(address)) {
    log.warn("Output not uploaded: its address is neither https nor local");
    return undefined;
  }
  const late = () => new ControlError("timeout", `No answer within ${ms} ms`);
  try {
    await withDeadline({ clock, ms, signal, late }, async (signal) => {
      const response = await transport.send(address, {
        method: "PUT",
        headers: { "content-type": "application/octet-stream" },
        body: bytes,
        signal,
      });
      await response.body?.cancel();
      const { ok, status } = response;
      if (!ok) throw new ControlError(failureOf(status), "Refused", { status });
    });
  } catch (error) {
    signal.throwIfAborted();
    // Errors of fetch name the address.
    const { kind, status } = error instanceof ControlError
      ? error
      : new ControlError("unreachable", "No answer");
    log.warn("Output not uploaded", { kind, ...(status ? { status } : {}) });
    return undefined;
  }
  const sum = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(sum).toHex();
}

/** https, or a server on this machine, as a control plane for trying out is. */
function isAllowed(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { origin, username, password } = new URL(address);
  if (username || password) return false;
  try {
    return !checkBaseUrl(origin, false).exposed;
  } catch {
    return false;
  }
}
