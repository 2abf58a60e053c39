import {
  type EndpointReport,
  endpointReportSchema,
  NAT_TYPES,
} from "../../wire/bodies.ts";
import { isIpAndPort } from "../../wire/ip_port.ts";
import { setEndpoint } from "../endpoints.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/**
 * `PUT /v1/nodes/{node_id}/endpoint`: where the node can be reached from
 * outside, answered with where its peers can be.
 *
 * @see docs/wire.md, section a.3
 */
export function endpointRoute(services: Services): NodeRoute {
  const { io, stop, storage } = services;
  return nodeRoute("endpoint", async (node, { request }) => {
    const { value } = await readJson(request, endpointReportSchema, {
      clock: io.clock,
      stop,
    });
    const { public_endpoint: endpoint, nat_type: natType } = checked(value);
    await setEndpoint(services, node.id, endpoint, natType);
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
