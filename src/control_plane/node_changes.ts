import { encodeDataEntry } from "../wire/data_entry.ts";
import type { Emit } from "./changes.ts";
import type { Node, Rows } from "./storage/storage.ts";

/**
 * Larger parts are not sent: the event then is a hint, and the node pulls. A
 * node has limits on what it takes from a stream.
 */
export const MAX_EVENT_PAYLOAD_BYTES = 1024 * 1024;

/** Which part of a node's state changed. */
export type StatePart = "metadata" | "data" | "secret_refs";

/**
 * Counts a change of a node's state and emits its event, which carries the
 * changed part as a whole.
 *
 * @param epoch Of this database.
 * @returns the node's new state version.
 */
export async function emitStateChange(
  rows: Rows,
  emit: Emit,
  node: Pick<Node, "id" | "domainId">,
  part: StatePart,
  epoch: number,
): Promise<number> {
  const stateVersion = await rows.nodes.nextStateVersion(node.id);
  const scope = `"node_id":${JSON.stringify(node.id)},"epoch":${epoch}` +
    `,"state_version":${stateVersion}`;
  const content = await partText(rows, node.id, part);
  const fits = new TextEncoder().encode(content).length <=
    MAX_EVENT_PAYLOAD_BYTES;
  await emit({
    type: part === "secret_refs"
      ? "node_secrets_updated"
      : "node_state_updated",
    domainId: node.domainId,
    nodeId: node.id,
    payload: fits ? `{${scope},"${part}":${content}}` : `{${scope}}`,
  });
  return stateVersion;
}

/**
 * Counts a change of what a node's pull answers and tells it to pull: its event
 * carries nothing but whom it is for.
 *
 * @param epoch Of this database.
 * @returns the node's new state version.
 */
export async function emitHint(
  rows: Rows,
  emit: Emit,
  node: Pick<Node, "id" | "domainId">,
  epoch: number,
): Promise<number> {
  const stateVersion = await rows.nodes.nextStateVersion(node.id);
  await emit({
    type: "node_state_updated",
    domainId: node.domainId,
    nodeId: node.id,
    payload: JSON.stringify({
      node_id: node.id,
      epoch,
      state_version: stateVersion,
    }),
  });
  return stateVersion;
}

/** One part of a node's state as JSON text, as both events and pulls carry it. */
export async function partText(
  rows: Rows,
  nodeId: string,
  part: StatePart,
): Promise<string> {
  switch (part) {
    case "metadata":
      return metadataText(await rows.values.metadata(nodeId));
    case "data":
      return `[${(await rows.values.data(nodeId)).map(encodeDataEntry)}]`;
    case "secret_refs":
      return JSON.stringify(await rows.secrets.refs(nodeId));
  }
}

/** By hand: as an object, a member named `__proto__` would be lost. */
function metadataText(metadata: ReadonlyMap<string, string>): string {
  const members = [...metadata].map(([key, value]) =>
    `${JSON.stringify(key)}:${JSON.stringify(value)}`
  );
  return `{${members.join(",")}}`;
}
