import type { Clock } from "../platform/clock.ts";
import {
  type ActionRequest,
  parseActionRequest,
} from "../wire/action_request.ts";
import type { Handler } from "./handler.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What {@linkcode actionRequestHandler} works with. */
export interface ActionRequestHandlerOptions {
  readonly nodeId: string;
  readonly clock: Pick<Clock, "now">;
  /**
   * Takes a request on, or answers that it will not. Resolves once it would
   * survive a restart, long before it is carried out.
   *
   * @throws {StoreWriteError}
   */
  readonly offer: (request: ActionRequest) => Promise<unknown>;
}

/** `action_request`: hands the request on, and waits for nothing it does. */
export function actionRequestHandler(
  options: ActionRequestHandlerOptions,
): Handler {
  return {
    async handle({ payload }) {
      const request = parseActionRequest(payload);
      if (request.nodeId !== undefined && request.nodeId !== options.nodeId) {
        throw new RefusedEventError("foreign", "it is for another node");
      }
      if (request.expiresAtMs !== undefined) {
        // It waited in the stream while the node was away; nobody expects it now.
        const isLate = request.expiresAtMs <= options.clock.now();
        if (isLate) throw new RefusedEventError("outdated", "it has expired");
      }
      await options.offer(request);
      return "applied";
    },
  };
}
