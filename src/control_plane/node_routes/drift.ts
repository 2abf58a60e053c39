import { driftReportSchema } from "../../wire/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** Drift reports kept of each node: enough to see a pattern. */
const KEPT = 100;

/**
 * `POST /v1/nodes/{node_id}/drift`: what a reconcile had to correct.
 *
 * @see docs/wire.md, section e.3
 */
export function driftRoute(services: Services): NodeRoute {
  const { storage, io, stop } = services;
  return nodeRoute("drift", async (node, { request }) => {
    const { value } = await readJson(request, driftReportSchema, {
      clock: io.clock,
      stop,
    });
    const drift = {
      receivedAtMs: io.clock.now(),
      report: JSON.stringify(value),
    };
    await storage.write(async (rows) =>
      await rows.reports.addDrift(node.id, drift, KEPT)
    );
    return jsonAnswer({ accepted: value.corrections.length });
  });
}
