import { capabilitiesSchema } from "../../wire/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** As much as dialect 2 allows. */
export const MAX_CAPABILITIES_BYTES = 32 * 1024;

/**
 * `PUT /v1/nodes/{node_id}/capabilities`: what the node can do.
 *
 * @see docs/wire.md, section a.6
 */
export function capabilitiesRoute(services: Services): NodeRoute {
  const { storage, io, stop } = services;
  return nodeRoute("capabilities", async ({ id }, { request }) => {
    const { value } = await readJson(request, capabilitiesSchema, {
      clock: io.clock,
      stop,
      maxBytes: MAX_CAPABILITIES_BYTES,
    });
    await storage.write(async (rows) =>
      await rows.nodes.setCapabilities(
        id,
        JSON.stringify(value),
        io.clock.now(),
      )
    );
    return jsonAnswer({ accepted: true });
  });
}
