import { isIPv4, isIPv6 } from "node:net";
import type { PeerObservation } from "../store/peer_cache.ts";
import {
  ALTERNATIVES_KEPT,
  MAX_ROUTES,
  type Route,
  type RoutePath,
} from "../store/route_cache.ts";
import type { Peer } from "../wire/state.ts";

/** How long a route holds: observations of a day ago say little. */
export const ROUTE_LIFETIME_MS = 3_600_000;

/** A peer that nobody has observed counts neither as good nor as bad. */
const UNKNOWN_SCORE = 0.5;

/** What routes are computed from. */
export interface RouteSources {
  readonly peers: readonly Peer[];
  readonly observed: (peerId: string) => PeerObservation | undefined;
}

/**
 * The way to each address that a peer of the directory answers for: by the peer
 * with the best score, the others are alternatives. In the order of
 * destinations, and no more than are kept.
 *
 * @see seed Node Local State Store, section 4 "Route Cache"
 */
export function computeRoutes(
  { peers, observed }: RouteSources,
  nowMs: number,
): Route[] {
  const byDestination = new Map<string, Peer[]>();
  for (const peer of peers) {
    for (const destination of destinationsOf(peer)) {
      const known = byDestination.get(destination);
      if (known) known.push(peer);
      else byDestination.set(destination, [peer]);
    }
  }
  return [...byDestination].sort(([a], [b]) => a < b ? -1 : 1)
    .slice(0, MAX_ROUTES).map(([destination, candidates]) =>
      routeTo(destination, candidates, observed, nowMs)
    );
}

function routeTo(
  destination: string,
  candidates: readonly Peer[],
  observed: RouteSources["observed"],
  nowMs: number,
): Route {
  const paths = candidates.map((peer) => pathBy(peer, observed(peer.id)))
    .sort(byWorth);
  const seen = candidates.flatMap(({ id }) => observed(id) ?? []);
  const success = latest(
    seen.flatMap(({ peerId, lastSuccessMs }) =>
      lastSuccessMs === undefined ? [] : [{ peerId, atMs: lastSuccessMs }]
    ),
  );
  const failure = latest(
    seen.flatMap(({ peerId, failures }) => {
      const last = failures.at(-1);
      return last ? [{ peerId, ...last }] : [];
    }),
  );
  return {
    destination,
    selected: paths[0]!,
    alternatives: paths.slice(1, 1 + ALTERNATIVES_KEPT),
    expiresAtMs: nowMs + ROUTE_LIFETIME_MS,
    ...(success ? { lastSuccess: success } : {}),
    ...(failure ? { lastFailure: failure } : {}),
  };
}

function pathBy(
  { id, endpoint }: Peer,
  observation: PeerObservation | undefined,
): RoutePath {
  return {
    peerId: id,
    routeClass: endpoint === "" ? "no_endpoint" : "direct",
    ...(observation ? { score: observation.score } : {}),
  };
}

/** A known endpoint first, then the better score, then the lower id. */
function byWorth(a: RoutePath, b: RoutePath): number {
  const classes = Number(a.routeClass !== "direct") -
    Number(b.routeClass !== "direct");
  const scores = (b.score ?? UNKNOWN_SCORE) - (a.score ?? UNKNOWN_SCORE);
  return classes || scores || (a.peerId < b.peerId ? -1 : 1);
}

function latest<T extends { readonly atMs: number }>(
  moments: readonly T[],
): T | undefined {
  return moments.toSorted((a, b) => b.atMs - a.atMs)[0];
}

/** Its mesh address, and whatever else it answers for; each once. */
function destinationsOf({ meshIp, allowedIps }: Peer): ReadonlySet<string> {
  return new Set(
    [meshIp, ...allowedIps].flatMap((text) => networkOf(text) ?? []),
  );
}

/** `address/prefix`; undefined for anything that is no network. */
function networkOf(text: string): string | undefined {
  const [, address = "", prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ??
    [];
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  if (bits < 0 || Number(prefix ?? bits) > bits) return undefined;
  return `${address.toLowerCase()}/${Number(prefix ?? bits)}`;
}
