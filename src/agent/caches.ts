import type { Part } from "../platform/part.ts";
import type { Membership } from "../store/membership.ts";
import { CacheKeeper } from "../sync/cache_keeper.ts";
import { PeerProbe } from "../sync/peer_probe.ts";
import { tcpAnswer } from "../sync/tcp_answer.ts";
import { servicesAt } from "../wire/service_assignment.ts";
import type { StatusDocument } from "../wire/status.ts";
import type { NodeContext } from "./node_context.ts";

/** What keeps the caches of peers, routes and services, and fills them. */
export function buildCaches(
  { config, store, disk, io }: Pick<
    NodeContext,
    "config" | "store" | "disk" | "io"
  >,
): readonly Part[] {
  const { state, peerCache, routes } = store;
  const keeper = new CacheKeeper({
    state,
    peerCache,
    routes,
    onFailure: disk.failed,
    io,
  });
  if (config["peers.probe"] === "off") return [keeper];
  const timeoutMs = config["peers.probe_timeout"];
  const probe = new PeerProbe({
    directory: () => state.view,
    observations: peerCache,
    port: config["peers.probe_port"],
    intervalMs: config["peers.probe_interval"],
    ask: (address, signal) =>
      tcpAnswer(address, { timeoutMs, clock: io.clock }, signal),
    // Whoever switches it on wants to see that it works.
    onRound() {
      if (peerCache.hasNew) keeper.soon();
    },
    io,
  });
  return [keeper, probe];
}

/** How much the caches hold, and never what: workloads may read it. */
export function cacheCounts(
  { state, peerCache, routes }: Pick<
    Membership,
    "state" | "peerCache" | "routes"
  >,
  nowMs: number,
): StatusDocument["caches"] {
  const { peers, services } = state.view;
  return {
    peers: peers.length,
    peers_observed: peers.filter(({ id }) => peerCache.get(id)).length,
    routes: routes.routes.length,
    services: servicesAt(services, nowMs).length,
  };
}
