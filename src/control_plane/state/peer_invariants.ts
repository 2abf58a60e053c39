import { isIPv4, isIPv6 } from "node:net";
import type { Logger } from "../../platform/log.ts";
import { UUID } from "../../wire/uuid.ts";
import type { PeerRow } from "./composition_source.ts";

const NIL = "00000000-0000-0000-0000-000000000000";

/** Whose snapshot is composed. */
export interface Addressed {
  readonly nodeId: string;
  readonly domainId: string;
}

/**
 * The peers that a node can be told of. A corrupt row is dropped with one
 * warning each, so that it neither reaches a node nor costs it the others.
 *
 * @see seed Reconciliation pull, "Per-peer invariants"
 */
export function soundPeers(
  rows: readonly PeerRow[],
  { nodeId, domainId }: Addressed,
  log: Logger,
): PeerRow[] {
  return rows.filter((row) => {
    const outcome = brokenInvariant(row);
    if (outcome === undefined) return true;
    log.warn("Peer dropped from a state", {
      outcome,
      domain_id: domainId,
      addressed_node_id: nodeId,
      peer_node_id: row.nodeId,
    });
    return false;
  });
}

function brokenInvariant({ nodeId, meshIp, publicKey }: PeerRow) {
  if (!UUID.test(nodeId) || nodeId === NIL) return "invalid_node_id";
  if (!isUsable(meshIp)) return "invalid_mesh_ip";
  if (publicKey === "") return "empty_public_key";
  return undefined;
}

/** An address of a host: neither no address at all nor the one for "any". */
function isUsable(address: string): boolean {
  if (isIPv4(address)) return address !== "0.0.0.0";
  return isIPv6(address) && /[1-9a-f]/i.test(address.replace(/%.*$/, ""));
}
