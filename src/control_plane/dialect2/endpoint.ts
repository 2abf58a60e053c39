import { isoTime } from "../../platform/clock.ts";
import {
  endpointReport2Schema,
  type EndpointResponse2,
} from "../../wire/dialect2/bodies.ts";
import { isIpAndPort } from "../../wire/ip_port.ts";
import { setEndpoint } from "../endpoints.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { checkClientTime } from "./client_time.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { renamed } from "./renamed.ts";

const MALFORMED = "malformed_endpoint_request";

/** A node should tell again within it, though nothing is forgotten. */
const STALE_AFTER_MS = 24 * 60 * 60_000;

/**
 * `PUT /v1/nodes/{node_id}/endpoint`: where the node can be reached from
 * outside.
 *
 * @see docs/wire.md, sections h.1 and h.3
 */
export function endpointRoute2(services: Services): NodeRoute {
  const { io, stop } = services;
  return nodeRoute2("endpoint", async ({ id }, { request }) => {
    const { value } = await renamed(
      { malformed_body: MALFORMED },
      () => readJson(request, endpointReport2Schema, { clock: io.clock, stop }),
    );
    checkClientTime(value.reported_at, "reported_at", io.clock, {
      malformed: MALFORMED,
      skew: "endpoint_clock_skew",
    });
    if (!isIpAndPort(value.endpoint)) {
      throw new ProblemError(400, "endpoint_unparseable", {
        detail: 'The "endpoint" is ip:port, or [ip]:port for IPv6',
      });
    }
    await renamed(
      { node_not_found: "endpoint_peer_not_found" },
      () => setEndpoint(services, id, value.endpoint, value.nat_type),
    );
    const nowMs = io.clock.now();
    const answer: EndpointResponse2 = {
      accepted_at: isoTime(nowMs),
      stale_after: isoTime(nowMs + STALE_AFTER_MS),
    };
    return jsonAnswer(answer);
  });
}
