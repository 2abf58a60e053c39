import type { Emit } from "./changes.ts";
import type { Node, Rows } from "./storage/storage.ts";

/**
 * Counts a change of a node's bridge block and emits its event, which carries
 * the block byte for byte as the pull does.
 *
 * @see seed Reconciliation pull, "Four-block convergence"
 */
export async function emitBridgeChange(
  rows: Rows,
  emit: Emit,
  { id, domainId }: Pick<Node, "id" | "domainId">,
  epoch: number,
): Promise<number> {
  const version = await rows.nodes.nextStateVersion(id);
  const config = await rows.bridges.of(id) ?? "null";
  await emit({
    type: "bridge_config_updated",
    domainId,
    nodeId: id,
    payload: `{"node_id":${JSON.stringify(id)},"epoch":${epoch}` +
      `,"state_version":${version},"effective_config":${config}}`,
  });
  return version;
}
