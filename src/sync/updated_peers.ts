import type { Peer } from "../wire/state.ts";
import type { PeerDirectory } from "./peer_endpoints.ts";

/**
 * Takes over peers that the control plane says have changed; all others stay.
 *
 * @throws {StoreWriteError}
 */
export async function applyUpdatedPeers(
  directory: PeerDirectory,
  updated: readonly Peer[],
): Promise<void> {
  if (updated.length === 0) return;
  const byId = new Map(updated.map((peer) => [peer.id, peer]));
  await directory.update(({ peers }) => ({
    peers: [...peers.filter((peer) => !byId.has(peer.id)), ...byId.values()],
  }));
}
