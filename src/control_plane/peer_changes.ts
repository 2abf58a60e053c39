import type { EventType } from "../wire/event_types.ts";
import type { Emit } from "./changes.ts";
import type { Node, Rows } from "./storage/storage.ts";

/** A peer as the wire carries it, without a pre-shared key: there is none. */
export interface WirePeer {
  readonly id: string;
  readonly public_key: string;
  readonly mesh_ip: string;
  readonly endpoint: string;
  readonly allowed_ips: readonly string[];
}

export function wirePeer(
  node: Pick<Node, "id" | "publicKey" | "meshIp" | "endpoint">,
): WirePeer {
  return {
    id: node.id,
    public_key: node.publicKey,
    mesh_ip: node.meshIp,
    endpoint: node.endpoint,
    allowed_ips: [`${node.meshIp}/32`],
  };
}

/** Ways in which a node changes in the eyes of its peers. */
export type PeerEventType = Extract<EventType, `peer_${string}`>;

/**
 * Counts a change of a node for the other nodes of its domain, whose state
 * lists it as a peer, and emits the event to them.
 *
 * @param node As it is after the change.
 */
export async function emitPeerChange(
  rows: Rows,
  emit: Emit,
  type: PeerEventType,
  node: Node,
): Promise<void> {
  const { domainId, id } = node;
  const peers = await rows.nodes.nextStateVersions(domainId, id);
  if (peers === 0) return; // nodes that join later do not read back
  await emit({
    type,
    domainId,
    nodeId: undefined,
    exceptNodeId: id,
    payload: JSON.stringify({
      domain_id: domainId,
      ...(type === "peer_removed" ? { peer_id: id } : wirePeer(node)),
    }),
  });
}

/**
 * Lets the key of a node count no more; it stays for operators to look at, and
 * its address stays taken.
 */
export async function revokeNode(
  rows: Rows,
  emit: Emit,
  node: Node,
  atMs: number,
): Promise<void> {
  if (node.revokedAtMs !== undefined) return;
  await rows.nodes.revoke(node.id, atMs);
  await emitPeerChange(rows, emit, "peer_removed", node);
}

/** Removes a node with all that belongs to it; its peers hear of it. */
export async function removeNode(
  rows: Rows,
  emit: Emit,
  node: Node,
): Promise<void> {
  await rows.nodes.remove(node.id);
  await rows.relations.removeOf(`node:${node.id}`);
  await emitPeerChange(rows, emit, "peer_removed", node);
}
