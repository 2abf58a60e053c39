import type { StateView } from "../store/state_view.ts";
import type { PeerEndpoint } from "../uplink/node_uplink.ts";
import type { Peer } from "../wire/state.ts";

/** The peer directory, as far as endpoints go. */
export interface PeerDirectory {
  update(
    decide: (
      latest: Pick<StateView, "peers">,
    ) => { readonly peers: readonly Peer[] } | undefined,
  ): Promise<unknown>;
}

/**
 * Takes over where peers are.
 *
 * @returns whether all of them are known; if not, only a pull tells who they
 * are.
 * @throws {StoreWriteError}
 */
export async function applyPeerEndpoints(
  directory: PeerDirectory,
  endpoints: readonly PeerEndpoint[],
): Promise<boolean> {
  if (endpoints.length === 0) return true;
  const byId = new Map(
    endpoints.map(({ peerId, endpoint }) => [peerId, endpoint]),
  );
  let allKnown = true;
  await directory.update(({ peers }) => {
    const known = new Set(peers.map((peer) => peer.id));
    allKnown = endpoints.every(({ peerId }) => known.has(peerId));
    const moved = peers.map((peer) => {
      const endpoint = byId.get(peer.id) ?? peer.endpoint;
      return endpoint === peer.endpoint ? peer : { ...peer, endpoint };
    });
    const changed = moved.some((peer, at) => peer !== peers[at]);
    return changed ? { peers: moved } : undefined;
  });
  return allKnown;
}
