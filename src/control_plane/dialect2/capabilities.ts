import { isoTime } from "../../platform/clock.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import { capabilities2Schema } from "../../wire/dialect2/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { MAX_CAPABILITIES_BYTES } from "../node_routes/capabilities.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { nodeRoute2 } from "./node_route2.ts";

/**
 * `PUT /v1/nodes/{node_id}/capabilities`: what the node can do.
 *
 * @see docs/wire.md, section h.1
 */
export function capabilitiesRoute2(services: Services): NodeRoute {
  const { storage, io, stop } = services;
  return nodeRoute2("capabilities", async ({ id }, { request }) => {
    const { value } = await readJson(request, capabilities2Schema, {
      clock: io.clock,
      stop,
      maxBytes: MAX_CAPABILITIES_BYTES,
    });
    if (decodeBase64(value.binary_checksum)?.length !== 32) {
      throw new ProblemError(400, "malformed_body", {
        detail: '"binary_checksum" is a SHA-256 in base64',
      });
    }
    const nowMs = io.clock.now();
    await storage.write(async (rows) =>
      await rows.nodes.setCapabilities(id, JSON.stringify(value), nowMs)
    );
    return jsonAnswer({ accepted_at: isoTime(nowMs) });
  });
}
