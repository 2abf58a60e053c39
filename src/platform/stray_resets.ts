import type { Logger } from "./log.ts";

/**
 * Keeps the process alive when the client of the message bus lets a reset of its
 * connection go uncaught: it does so now and then after a login was refused,
 * when its caller has been told already. Nothing else is kept from ending the
 * process.
 *
 * @returns what takes that back.
 */
export function surviveStrayResets(log: Logger): () => void {
  const onError = (event: ErrorEvent) => {
    if (!isReset(event.error)) return;
    event.preventDefault();
    log.debug("A connection was reset after it had failed");
  };
  globalThis.addEventListener("error", onError);
  return () => globalThis.removeEventListener("error", onError);
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ECONNRESET" && "syscall" in error &&
    error.syscall === "read";
}
