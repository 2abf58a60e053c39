import type { EventType } from "../wire/event_types.ts";
import type { Emit } from "./changes.ts";
import type { Node } from "./storage/storage.ts";

/**
 * Emits an event for one node that does not change its state.
 *
 * @param epoch Of this database.
 */
export async function emitToNode(
  emit: Emit,
  type: EventType,
  node: Node,
  epoch: number,
  members: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await emit({
    type,
    domainId: node.domainId,
    nodeId: node.id,
    payload: JSON.stringify({
      node_id: node.id,
      epoch,
      state_version: node.stateVersion,
      ...members,
    }),
  });
}
