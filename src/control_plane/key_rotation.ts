import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import type { Emit } from "./changes.ts";
import { ProblemError } from "./http/problem.ts";
import { emitToNode } from "./node_events.ts";
import { emitPeerChange } from "./peer_changes.ts";
import type { Node, Rows } from "./storage/storage.ts";

/**
 * Asks a node for a new mesh key: by an event now, and by a hint in the answers
 * to its heartbeats until it has one.
 *
 * @param epoch Of this database.
 */
export async function askToRotate(
  rows: Rows,
  emit: Emit,
  node: Node,
  epoch: number,
  io: Platform,
): Promise<void> {
  if (!node.rotateKeys) {
    await rows.nodes.wantRotation(node.id, uuidV7(io.clock, io.random));
  }
  await emitToNode(emit, "rotate_keys", node, epoch);
}

/** A key that a node brings. */
export interface NewMeshKey {
  /** In its canonical form. */
  readonly publicKey: string;
  /** IP address that the call came from. */
  readonly source: string;
}

/**
 * Puts a new mesh key in place of a node's current one; its peers hear of it.
 * The same key again is a repetition whose answer was lost, and changes nothing.
 *
 * @returns the node as it is then.
 * @throws {ProblemError} 404 "node_not_found"
 */
export async function rotateMeshKey(
  rows: Rows,
  emit: Emit,
  nodeId: string,
  { publicKey, source }: NewMeshKey,
  io: Platform,
): Promise<Node> {
  const node = await rows.nodes.byId(nodeId);
  if (!node) throw new ProblemError(404, "node_not_found");
  // A rotation that is asked for now was asked for after this key had come.
  if (node.publicKey === publicKey) return node;
  const asked = node.rotateKeys ? node.rotationId : undefined;
  const rotationId = asked ?? uuidV7(io.clock, io.random);
  await rows.nodes.rotated(nodeId, publicKey, rotationId);
  const rotated = {
    ...node,
    publicKey,
    rotationId,
    rotateKeys: false,
    keyVersion: node.keyVersion + 1,
  };
  await emitPeerChange(rows, emit, "peer_key_rotated", rotated);
  await rows.audit.add({
    atMs: io.clock.now(),
    subject: `node:${nodeId}`,
    relation: "node.rotate_keys",
    object: `node:${nodeId}`,
    outcome: "done",
    source,
  });
  io.log.info("Node rotated its key", { node_id: nodeId });
  return rotated;
}
