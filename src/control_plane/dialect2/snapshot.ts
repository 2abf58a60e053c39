import type { Logger } from "../../platform/log.ts";
import { composeParts, peerOf } from "../state/compose.ts";
import {
  type NodeStatePeer,
  type NodeStateSnapshot,
  RawJson,
} from "../state/node_state_snapshot.ts";
import type { RenderedState } from "../state/snapshot_provider.ts";
import { soundPeers } from "../state/peer_invariants.ts";
import { PeerTexts } from "../state/peer_texts.ts";
import type { Node, Rows } from "../storage/storage.ts";

/**
 * What a node should be, in dialect 2.
 *
 * @see docs/wire.md, section h.4
 */
export async function snapshot2(
  rows: Rows,
  node: Node,
  nowMs: number,
  log: Logger,
): Promise<RenderedState> {
  const { peers, reachability, ...content } = await composed(
    rows,
    node,
    nowMs,
    log,
  );
  const rest = textOf(content).slice(1);
  const { last_heartbeat_at: _changes, ...stable } = reachability;
  return {
    get text() {
      return `{"reachability":${JSON.stringify(reachability)}` +
        `,"peers":${peers.text},${rest}`;
    },
    stable: [peers.digest, JSON.stringify(stable), rest],
  };
}

/** The same without reachability, which changes all by itself. */
export async function signedContent2(
  rows: Rows,
  node: Node,
  nowMs: number,
  log: Logger,
): Promise<string> {
  const { peers, reachability: _changes, ...content } = await composed(
    rows,
    node,
    nowMs,
    log,
  );
  return `{"peers":${peers.text},${textOf(content).slice(1)}`;
}

/** The other nodes of a node's domain, in ascending order of ids. */
export async function peers2(
  rows: Rows,
  { id, domainId }: Pick<Node, "id" | "domainId">,
  log: Logger,
): Promise<NodeStatePeer[]> {
  const members = await rows.composition.peersOf(domainId);
  return soundPeers(members, { nodeId: id, domainId }, log)
    .filter(({ nodeId }) => nodeId !== id).map(peerOf);
}

const peerTexts = new PeerTexts(peerOf);

async function composed(rows: Rows, node: Node, nowMs: number, log: Logger) {
  const addressed = { nodeId: node.id, domainId: node.domainId };
  const { members, ...parts } = await composeParts(
    rows.composition,
    addressed,
    nowMs,
  );
  return { peers: peerTexts.of(members, addressed, log), ...parts };
}

/** As JSON, in which kept texts stand byte for byte. */
function textOf(
  snapshot: Omit<NodeStateSnapshot, "peers" | "reachability">,
): string {
  const { policy, bridge, executions, services, ...plain } = snapshot;
  const members = Object.entries(plain).map(([name, value]) =>
    `"${name}":${JSON.stringify(value)}`
  );
  const policyText = policy ? objectText(policy) : "null";
  const bridgeText = bridge?.text ?? "null";
  const executionTexts = (executions ?? []).map(objectText);
  const serviceTexts = (services ?? []).map(({ text }) => text);
  return `{${members.join(",")},"policy":${policyText}` +
    `,"bridge":${bridgeText},"executions":[${executionTexts}]` +
    (serviceTexts.length === 0 ? "}" : `,"services":[${serviceTexts}]}`);
}

function objectText(members: object): string {
  const texts = Object.entries(members).map(([name, value]) =>
    `"${name}":${value instanceof RawJson ? value.text : JSON.stringify(value)}`
  );
  return `{${texts.join(",")}}`;
}
