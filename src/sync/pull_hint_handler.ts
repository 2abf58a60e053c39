import type { Handler } from "./handler.ts";
import { isForeignScope } from "./event_scope.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What {@linkcode pullHintHandler} works with. */
export interface PullHintHandlerOptions {
  readonly nodeId: string;
  /** Absent where the control plane has not named the domain. */
  readonly domainId?: string;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
}

/**
 * Takes an event as a hint that something has changed: what it is, a pull says.
 * Events of dialect 2 have no nonce, so what they carry must not be applied.
 *
 * @see design, section 5 "From wire to workload"; docs/wire.md, section h.8
 */
export function pullHintHandler(options: PullHintHandlerOptions): Handler {
  const { nodeId, domainId, pull } = options;
  return {
    handle(event) {
      if (isForeignScope(event.scope ?? "", nodeId, domainId)) {
        const text = "it is for another node or domain";
        return Promise.reject(new RefusedEventError("foreign", text));
      }
      pull(`event ${event.type}`);
      return Promise.resolve("applied");
    },
  };
}
