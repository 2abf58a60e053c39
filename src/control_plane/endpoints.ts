import { ProblemError } from "./http/problem.ts";
import { emitPeerChange } from "./peer_changes.ts";
import type { Services } from "./services.ts";

/**
 * Notes where a node can be reached; its peers hear of it when it has moved.
 *
 * @param endpoint `ip:port`
 * @throws {ProblemError} 404 "node_not_found"
 */
export async function setEndpoint(
  { changes, io }: Pick<Services, "changes" | "io">,
  nodeId: string,
  endpoint: string,
  natType: string,
): Promise<void> {
  await changes.make(async (rows, emit) => {
    const node = await rows.nodes.byId(nodeId);
    if (!node) throw new ProblemError(404, "node_not_found");
    await rows.nodes.setEndpoint(nodeId, endpoint, natType, io.clock.now());
    if (node.endpoint === endpoint) return;
    const moved = { ...node, endpoint };
    await emitPeerChange(rows, emit, "peer_endpoint_changed", moved);
  });
}
