import type { Membership } from "../../src/store/membership.ts";
import type { PeerObservation } from "../../src/store/peer_cache.ts";
import type { Route } from "../../src/store/route_cache.ts";

/** An observation with every member filled in. */
export const OBSERVED: PeerObservation = {
  peerId: "n_b",
  lastTriedMs: Date.parse("2026-03-01T11:59:00Z"),
  lastSuccessMs: Date.parse("2026-03-01T11:58:00Z"),
  latencyMs: 1.5,
  tries: "10",
  score: 0.75,
  failures: [{
    atMs: Date.parse("2026-03-01T11:59:00Z"),
    reason: "timeout",
  }],
  configVersion: { epoch: 1, version: 2 },
};

/** A route with every member filled in. */
export const ROUTE: Route = {
  destination: "10.42.0.2/32",
  selected: { peerId: "n_b", routeClass: "direct", score: 0.75 },
  alternatives: [{ peerId: "n_c", routeClass: "no_endpoint" }],
  expiresAtMs: Date.parse("2026-03-01T13:00:00Z"),
  lastSuccess: { peerId: "n_b", atMs: 1 },
  lastFailure: { peerId: "n_b", atMs: 2, reason: "timeout" },
};

/** Puts something into each cache of a membership. */
export async function fillCaches(
  { peerCache, routes }: Membership,
): Promise<void> {
  peerCache.note(OBSERVED);
  await peerCache.flush();
  routes.replace([ROUTE]);
  await routes.flush();
}
