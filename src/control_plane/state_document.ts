import { partText } from "./node_changes.ts";
import { announcedKeys } from "./signing_keys.ts";
import type { Node, Rows } from "./storage/storage.ts";

/** A peer as the wire carries it. */
export interface WirePeer {
  readonly id: string;
  readonly public_key: string;
  readonly mesh_ip: string;
  readonly endpoint: string;
  readonly allowed_ips: readonly string[];
  readonly psk: string;
}

/** The other nodes of a node's domain, in ascending order of ids. */
export async function peersOf(
  rows: Rows,
  node: Pick<Node, "id" | "domainId">,
): Promise<WirePeer[]> {
  const nodes = await rows.nodes.ofDomain(node.domainId);
  return nodes.filter((other) => other.id !== node.id).map((other) => ({
    id: other.id,
    public_key: other.publicKey,
    mesh_ip: other.meshIp,
    endpoint: "",
    allowed_ips: [`${other.meshIp}/32`],
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
): Promise<string> {
  const peers = JSON.stringify(await peersOf(rows, node));
  const keys = JSON.stringify(await announcedKeys(rows, nowMs));
  return `{"node_id":${JSON.stringify(node.id)},"epoch":${epoch}` +
    `,"state_version":${node.stateVersion},"peers":${peers},"policies":[]` +
    `,"signing_keys":${keys}` +
    `,"metadata":${await partText(rows, node.id, "metadata")}` +
    `,"data":${await partText(rows, node.id, "data")}` +
    `,"secret_refs":${await partText(rows, node.id, "secret_refs")}}`;
}
