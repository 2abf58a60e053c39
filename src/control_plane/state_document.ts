import { assignedServices } from "./assignments.ts";
import { partText } from "./node_changes.ts";
import type { Logger } from "../platform/log.ts";
import { type WirePeer, wirePeer } from "./peer_changes.ts";
import { announcedKeys } from "./signing_keys.ts";
import type { PeerRow } from "./state/composition_source.ts";
import { soundPeers } from "./state/peer_invariants.ts";
import { PeerTexts } from "./state/peer_texts.ts";
import type { RenderedState } from "./state/snapshot_provider.ts";
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
  const members = await rows.composition.peersOf(domainId);
  return soundPeers(members, { nodeId: id, domainId }, log)
    .filter(({ nodeId }) => nodeId !== id).map(answeredPeer);
}

function answeredPeer({ nodeId, ...peer }: PeerRow): AnsweredPeer {
  return { ...wirePeer({ id: nodeId, ...peer }), psk: "" };
}

const peerTexts = new PeerTexts(answeredPeer);

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
  return (await renderDocument(rows, node, epoch, nowMs, log)).text;
}

/** The same, put together when it is asked for. */
export async function renderDocument(
  rows: Rows,
  node: Node,
  epoch: number,
  nowMs: number,
  log: Logger,
): Promise<RenderedState> {
  const peers = peerTexts.of(
    await rows.composition.peersOf(node.domainId),
    { nodeId: node.id, domainId: node.domainId },
    log,
  );
  const policies = (await rows.compiledPolicies.of(node.id))?.matched ?? "[]";
  const services = await assignedServices(rows, node);
  const keys = JSON.stringify(await announcedKeys(rows, nowMs));
  const head = `{"node_id":${JSON.stringify(node.id)},"epoch":${epoch}` +
    `,"state_version":${node.stateVersion}`;
  const rest = `,"policies":${policies}` +
    `,"signing_keys":${keys}` +
    `,"metadata":${await partText(rows, node.id, "metadata")}` +
    `,"data":${await partText(rows, node.id, "data")}` +
    `,"secret_refs":${await partText(rows, node.id, "secret_refs")}` +
    (services.length === 0 ? "}" : `,"services":[${services}]}`);
  return {
    get text() {
      return `${head},"peers":${peers.text}${rest}`;
    },
    stable: [head, peers.digest, rest],
  };
}
