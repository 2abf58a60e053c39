import { compressedAnswer } from "../http/compressed_answer.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";
import { stateDocument } from "../state_document.ts";
import { nodeRoute } from "./node_route.ts";

/** `GET /v1/nodes/{node_id}/state`: all that the node should be. */
export function stateRoute(services: Services): Route {
  const { storage, epoch, io } = services;
  return nodeRoute("state", services, async ({ id }, { request }) => {
    const { text, node } = await storage.read(async (rows) => {
      // Looked up again, so that version and content are of one view.
      const node = await rows.nodes.byId(id);
      const text = node &&
        await stateDocument(rows, node, epoch, io.clock.now());
      return { text, node };
    });
    if (!node || text === undefined) {
      // Removed since it passed the gates.
      throw new ProblemError(404, "node_not_found");
    }
    if (node.pulledVersion !== node.stateVersion) {
      await storage.write(async (rows) =>
        await rows.nodes.pulled(id, node.stateVersion)
      );
    }
    return await compressedAnswer(request, text);
  });
}
