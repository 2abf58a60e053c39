import { heartbeatRequestSchema } from "../../wire/bodies.ts";
import { noteHeartbeat } from "../heartbeats.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `POST /v1/nodes/{node_id}/heartbeat`, answered with hints.
 *
 * @see docs/wire.md, section e.1
 */
export function heartbeatRoute(services: Services): NodeRoute {
  const { io, stop } = services;
  return nodeRoute("heartbeat", async (node, { request }) => {
    const { value } = await readJson(request, heartbeatRequestSchema, {
      clock: io.clock,
      stop,
    });
    // The public agent leaves it empty.
    if (value.node_id !== "" && value.node_id !== node.id) {
      throw new ProblemError(403, "node_id_mismatch");
    }
    return jsonAnswer(
      await noteHeartbeat(services, node, JSON.stringify(value)),
    );
  });
}
