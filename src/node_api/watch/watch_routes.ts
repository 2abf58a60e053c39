import type { DegradedReason } from "../../wire/status.ts";
import { errorAnswer, stateRefused } from "../answers.ts";
import type { Route } from "../router.ts";
import {
  parseWatchRequest,
  type WatchFilter,
  WatchRequestError,
} from "./watch_filter.ts";
import type { Watchers } from "./watchers.ts";

const STREAM = {
  "content-type": "text/event-stream",
  // Compressed, an event would wait for the ones after it.
  "cache-control": "no-store, no-transform",
};

/**
 * The route of the stream of changes.
 *
 * @param refusal Why no state must be served now, if so.
 */
export function watchRoutes(
  watchers: Watchers,
  refusal: () => DegradedReason | undefined,
): Route[] {
  return [["/v1/watch", {
    GET({ request, headers }) {
      try {
        const wanted = parseWatchRequest(request.url, headers);
        const ofState = isOfState(wanted.filter);
        const reason = ofState ? refusal() : undefined;
        if (reason !== undefined) return stateRefused(reason);
        if (request.method === "HEAD") {
          return new Response(null, { headers: STREAM });
        }
        // It may come while the stream is open.
        const isRefused = () => ofState && refusal() !== undefined;
        const body = watchers.watch(wanted, isRefused);
        return body
          ? new Response(body, { headers: STREAM })
          : errorAnswer(503, "too many watchers", { "retry-after": "5" });
      } catch (error) {
        if (!(error instanceof WatchRequestError)) throw error;
        return errorAnswer(400, error.message);
      }
    },
  }]];
}

/** Reports and statuses are the node's own: they do not expire. */
function isOfState({ kinds }: WatchFilter): boolean {
  const own = [...kinds].every((kind) =>
    kind === "report" || kind === "status"
  );
  return kinds.size === 0 || !own;
}
