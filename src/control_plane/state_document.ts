import { assignedServices } from "./assignments.ts";
import { partText } from "./node_changes.ts";
import type { Logger } from "../platform/log.ts";
import { peerRow, type WirePeer, wirePeer } from "./peer_changes.ts";
import { announcedKeys } from "./signing_keys.ts";
import { soundPeers } from "./state/peer_invariants.ts";
import type { Node, Rows } from "./storage/storage.ts";

/** A peer in an answer, where all members are always written. */
export interface AnsweredPeer extends WirePeer {
  readonly psk: "";
}

/** The other nodes of a node's domain, in ascending order of ids. */
export async function peersOf(
  rows: Rows,
  { id, domainId }: Pick<Node, "id" | "domainId">,
  log: Logger,
): Promise<AnsweredPeer[]> {
  const nodes = await rows.nodes.ofDomain(domainId);
  const others = nodes.filter((other) => other.id !== id).map(peerRow);
  return soundPeers(others, { nodeId: id, domainId }, log)
    .map(({ nodeId, ...other }) => ({
      ...wirePeer({ id: nodeId, ...other }),
      psk: "",
    }));
}

/**
 * What a node should be, as the answer to its pull. Payloads go in as the text
 * that they are kept as.
 *
 * @see docs/wire.md, section a.5
 */
export async function stateDocument(
  rows: Rows,
  node: Node,
  epoch: number,
  nowMs: number,
  log: Logger,
): Promise<string> {
  const peers = JSON.stringify(await peersOf(rows, node, log));
  const policies = (await rows.compiledPolicies.of(node.id))?.matched ?? "[]";
  const services = await assignedServices(rows, node);
  const keys = JSON.stringify(await announcedKeys(rows, nowMs));
  return `{"node_id":${JSON.stringify(node.id)},"epoch":${epoch}` +
    `,"state_version":${node.stateVersion},"peers":${peers}` +
    `,"policies":${policies}` +
    `,"signing_keys":${keys}` +
    `,"metadata":${await partText(rows, node.id, "metadata")}` +
    `,"data":${await partText(rows, node.id, "data")}` +
    `,"secret_refs":${await partText(rows, node.id, "secret_refs")}` +
    (services.length === 0 ? "}" : `,"services":[${services}]}`);
}
