import { ENDPOINTS } from "../wire/endpoints.ts";
import { ProblemError } from "./http/problem.ts";
import type { Route } from "./http/router.ts";

/** What a control plane can be without. */
export const SURFACES = ["events", "state"] as const;
export type Surface = typeof SURFACES[number];

/**
 * Puts a refusal in place of a surface that is not there. It stands before all
 * gates, as in the published control plane.
 *
 * @see seed Reconciliation pull, "Security-gate ordering"
 */
export function withoutSurfaces(
  routes: readonly Route[],
  surfaces: readonly Surface[],
): Route[] {
  const paths = new Set<string>(
    surfaces.map((surface) => ENDPOINTS[surface].path),
  );
  return routes.map((route) =>
    paths.has(route.path) ? { ...route, handle: refuse } : route
  );
}

function refuse(): Promise<Response> {
  return Promise.reject(
    new ProblemError(501, "signed_event_bus_not_provisioned", {
      detail: "This control plane runs without this surface",
    }),
  );
}
