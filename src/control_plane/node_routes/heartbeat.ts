import { heartbeatRequestSchema } from "../../wire/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";
import { nodeRoute } from "./node_route.ts";

/**
 * `POST /v1/nodes/{node_id}/heartbeat`, answered with hints: `reconcile` when
 * the node misses changes and has no stream that would bring them, and
 * `rotate_keys` until it has rotated, since an answer can be lost.
 *
 * @see docs/wire.md, section e.1
 */
export function heartbeatRoute(services: Services): Route {
  const { storage, streams, io, stop } = services;
  return nodeRoute("heartbeat", services, async (node, { request }) => {
    const { value } = await readJson(request, heartbeatRequestSchema, {
      clock: io.clock,
      stop,
    });
    // The public agent leaves it empty.
    if (value.node_id !== "" && value.node_id !== node.id) {
      throw new ProblemError(403, "node_id_mismatch");
    }
    await storage.write(async (rows) =>
      await rows.nodes.heartbeat(node.id, io.clock.now(), JSON.stringify(value))
    );
    return jsonAnswer({
      reconcile: node.stateVersion > node.pulledVersion &&
        !streams.isOpen(node.id),
      rotate_keys: node.rotateKeys,
    });
  });
}
