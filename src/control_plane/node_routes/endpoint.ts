import {
  type EndpointReport,
  endpointReportSchema,
  NAT_TYPES,
} from "../../wire/bodies.ts";
import { isIpAndPort } from "../../wire/ip_port.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import { emitPeerChange } from "../peer_changes.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `PUT /v1/nodes/{node_id}/endpoint`: where the node can be reached from
 * outside, answered with where its peers can be.
 *
 * @see docs/wire.md, section a.3
 */
export function endpointRoute(services: Services): NodeRoute {
  const { io, stop, changes, storage } = services;
  return nodeRoute("endpoint", async (node, { request }) => {
    const { value } = await readJson(request, endpointReportSchema, {
      clock: io.clock,
      stop,
    });
    const { public_endpoint: endpoint, nat_type: natType } = checked(value);
    await changes.make(async (rows, emit) => {
      const current = await rows.nodes.byId(node.id);
      if (!current) throw new ProblemError(404, "node_not_found");
      const atMs = io.clock.now();
      await rows.nodes.setEndpoint(node.id, endpoint, natType, atMs);
      if (current.endpoint === endpoint) return;
      const moved = { ...current, endpoint };
      await emitPeerChange(rows, emit, "peer_endpoint_changed", moved);
    });
    const all = await storage.read(async (rows) =>
      await rows.nodes.ofDomain(node.domainId)
    );
    return jsonAnswer({
      peer_endpoints: all
        .filter((other) => other.id !== node.id && other.endpoint !== "")
        .map((other) => ({ peer_id: other.id, endpoint: other.endpoint })),
    });
  });
}

function checked(report: EndpointReport): EndpointReport {
  if (!isIpAndPort(report.public_endpoint)) {
    throw new ProblemError(400, "malformed_body", {
      detail: 'The "public_endpoint" is ip:port, or [ip]:port for IPv6',
    });
  }
  if (!NAT_TYPES.some((type) => type === report.nat_type)) {
    throw new ProblemError(400, "malformed_body", {
      detail: `The "nat_type" is one of ${NAT_TYPES.join(", ")}`,
    });
  }
  return report;
}
