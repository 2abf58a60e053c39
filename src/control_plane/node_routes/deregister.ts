import { emptyAnswer } from "../http/answers.ts";
import { disconnectNode } from "../node_connections.ts";
import { removeNode } from "../peer_changes.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `POST /v1/nodes/{node_id}/deregister`: the node leaves for good. Its bearer
 * dies, and its address is free again.
 *
 * @see docs/wire.md, section a.3
 */
export function deregisterRoute(services: Services): NodeRoute {
  const { changes, io } = services;
  return nodeRoute("deregister", async ({ id }, { source }) => {
    await changes.make(async (rows, emit) => {
      const node = await rows.nodes.byId(id);
      if (!node) return; // another call was faster
      await removeNode(rows, emit, node);
      await rows.audit.add({
        atMs: io.clock.now(),
        subject: `node:${id}`,
        relation: "node.deregister",
        object: `domain:${node.domainId}`,
        outcome: "done",
        source,
      });
    });
    disconnectNode(services, id);
    io.log.info("Node deregistered", { node_id: id });
    return emptyAnswer();
  });
}
