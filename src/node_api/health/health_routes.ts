import { jsonAnswer } from "../answers.ts";
import type { Route } from "../router.ts";
import { readinessOf, type ReadinessSources } from "./readiness.ts";

/** Each answer is true for its moment only. */
const NO_STORE = { "cache-control": "no-store" };

/**
 * `/healthz`, which an agent that hangs does not answer, and `/readyz`, which
 * says whether its answers can be relied on.
 */
export function healthRoutes(sources: ReadinessSources): Route[] {
  return [
    ["/healthz", {
      GET: () => jsonAnswer(200, '{"status":"ok"}', NO_STORE),
    }],
    ["/readyz", {
      GET() {
        const readiness = readinessOf(sources);
        const status = readiness.status === "ready" ? 200 : 503;
        return jsonAnswer(status, JSON.stringify(readiness), NO_STORE);
      },
    }],
  ];
}
