import { isoTime } from "../../platform/clock.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import {
  heartbeatRequest2Schema,
  type HeartbeatResponse2,
} from "../../wire/dialect2/bodies.ts";
import { noteHeartbeat } from "../heartbeats.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { checkClientTime } from "./client_time.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { renamed } from "./renamed.ts";

const MALFORMED = "malformed_heartbeat_request";

const SHA256_BYTES = 32;

/**
 * `POST /v1/nodes/{node_id}/heartbeat`, answered with hints.
 *
 * @see docs/wire.md, sections h.1 and h.3
 */
export function heartbeatRoute2(services: Services): NodeRoute {
  const { io, stop } = services;
  return nodeRoute2("heartbeat", async (node, { request }) => {
    const { value } = await renamed(
      { malformed_body: MALFORMED },
      () =>
        readJson(request, heartbeatRequest2Schema, { clock: io.clock, stop }),
    );
    checkChecksum(value.binary_checksum);
    if (value.binary_version === "") {
      throw new ProblemError(400, "binary_version_empty");
    }
    checkClientTime(value.client_now, "client_now", io.clock, {
      malformed: MALFORMED,
      skew: "clock_skew",
    });
    const hints = await noteHeartbeat(services, node, JSON.stringify(value));
    const answer: HeartbeatResponse2 = {
      accepted_at: isoTime(io.clock.now()),
      ...hints,
    };
    return jsonAnswer(answer);
  });
}

/** 64 hex digits, or base64 of the same 32 bytes. */
function checkChecksum(text: string) {
  if (text === "") throw new ProblemError(400, "binary_checksum_empty");
  if (/^[0-9a-fA-F]{64}$/.test(text)) return;
  if (decodeBase64(text)?.length === SHA256_BYTES) return;
  throw new ProblemError(400, MALFORMED, {
    detail: '"binary_checksum" is a SHA-256 as 64 hex digits or as base64',
  });
}
