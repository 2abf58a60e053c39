import type { Logger } from "./log.ts";

let told: Logger | undefined;

/**
 * Keeps the process alive when the client of the message bus lets the failure of
 * a socket go uncaught. While it logs in, and once it has let go of a connection,
 * nobody listens to its socket; a server that resets it then would end the
 * process, long after the caller was told. Nothing else is kept from ending it.
 *
 * It holds until the process ends, since a socket can fail after whoever opened
 * it is gone. Asking again only changes who logs it.
 *
 * @param log Hears of each at level debug.
 */
export function surviveStrayFailures(log: Logger): void {
  if (!told) globalThis.addEventListener("error", onError);
  told = log;
}

function onError(event: ErrorEvent) {
  const failure = strayFailure(event.error);
  if (!failure) return;
  event.preventDefault();
  told?.debug("A connection failed that was not used any more", failure);
}

/** What `node:net` says of a connection whose other side is gone. */
const LOST = ["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"];
const UNREACHABLE = ["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"];
const CODES: readonly unknown[] = [...LOST, ...UNREACHABLE];

/** A call on an open connection: one that cannot be opened is always told. */
const CALLS: readonly unknown[] = ["read", "write", "shutdown"];

function strayFailure(error: unknown) {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (!CODES.includes(code) || !CALLS.includes(syscall)) return undefined;
  return { code: String(code), syscall: String(syscall) };
}
