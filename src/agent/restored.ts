import { describeError, type Logger } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Handler } from "../sync/handler.ts";
import { RefusedEventError } from "../sync/refused_event_error.ts";

/** Whether this node comes from a backup that nobody has confirmed. */
export interface Restored {
  readonly isPending: boolean;
  confirmed(): Promise<void>;
  /** @throws {StoreWriteError} */
  clear(): void;
}

/** The control plane has answered a pull: the node is the one that it knows. */
export function confirmRestored(
  restored: Pick<Restored, "isPending" | "clear">,
  log: Logger,
): void {
  if (!restored.isPending) return;
  try {
    restored.clear();
    log.info("The control plane has confirmed the restored node");
  } catch (error) {
    // The next pull tries again.
    log.warn("The restored node stays unconfirmed", {
      error: describeError(error),
    });
  }
}

/** The same handler, which refuses everything until the node is confirmed. */
export function unlessRestored(
  restored: Pick<Restored, "isPending">,
  handler: Handler,
): Handler {
  return {
    ...handler,
    handle(event) {
      if (!restored.isPending) return handler.handle(event);
      const why = "this node is restored from a backup, and not confirmed yet";
      return Promise.reject(new RefusedEventError("unconfirmed", why));
    },
  };
}

/** The same part, which begins once the node is confirmed. */
export function onceConfirmed(
  restored: Pick<Restored, "confirmed">,
  part: Part,
): Part {
  return {
    name: part.name,
    async run(signal) {
      const stopped = Promise.withResolvers<void>();
      const stop = () => stopped.resolve();
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      await Promise.race([restored.confirmed(), stopped.promise]);
      signal.removeEventListener("abort", stop);
      if (!signal.aborted) await part.run(signal);
    },
  };
}
