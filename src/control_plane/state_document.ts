import { assignedServices } from "./assignments.ts";
import { partText } from "./node_changes.ts";
import { type WirePeer, wirePeer } from "./peer_changes.ts";
import { policiesText } from "./policies.ts";
import { announcedKeys } from "./signing_keys.ts";
import type { Node, Rows } from "./storage/storage.ts";

/** A peer in an answer, where all members are always written. */
export interface AnsweredPeer extends WirePeer {
  readonly psk: "";
}

/** The other nodes of a node's domain, in ascending order of ids. */
export async function peersOf(
  rows: Rows,
  node: Pick<Node, "id" | "domainId">,
): Promise<AnsweredPeer[]> {
  const nodes = await rows.nodes.ofDomain(node.domainId);
  return nodes.filter((other) => other.id !== node.id)
    .map((other) => ({ ...wirePeer(other), psk: "" }));
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
): Promise<string> {
  const peers = JSON.stringify(await peersOf(rows, node));
  const policies = await policiesText(rows, node.domainId);
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
