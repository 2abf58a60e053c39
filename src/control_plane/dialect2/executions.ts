import {
  type ExecutionCallback2,
  executionCallback2Schema,
} from "../../wire/dialect2/bodies.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import { takeStep } from "./execution_steps.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { openUpload } from "./outputs.ts";

/**
 * `POST /v1/nodes/{node_id}/executions/{execution_id}`: how far a node is with
 * what it was asked to run.
 *
 * @see docs/wire.md, section h.7
 */
export function executionRoute2(services: Services): NodeRoute {
  const { storage, publicUrl, io, stop } = services;
  return nodeRoute2("execution", async (node, { request, params }) => {
    const { value } = await readJson(request, executionCallback2Schema, {
      clock: io.clock,
      stop,
    });
    checkMembers(value);
    const id = params["execution_id"]!;
    const base = publicUrl ?? new URL(request.url).origin;
    const place = await storage.write(async (rows) => {
      await takeStep(rows, node.id, id, value, io.clock.now());
      const bytes = value.declared_output_bytes;
      return bytes === undefined
        ? undefined
        : await openUpload(rows, id, bytes, base, io);
    });
    io.log.info("Execution went on", {
      node_id: node.id,
      execution_id: id,
      status: value.status,
    });
    return jsonAnswer({ status: value.status, ...place });
  });
}

/** Each member belongs to some steps only. */
function checkMembers(callback: ExecutionCallback2) {
  const { status, declared_output_bytes: declared, output } = callback;
  const isOnTheWay = status === "ack" || status === "started";
  if (isOnTheWay && output !== undefined) {
    throw malformed(`"${status}" comes without "output"`);
  }
  if (declared === undefined) return;
  if (status !== "started" || declared < 0) {
    throw malformed('"declared_output_bytes" comes with "started", from 0 on');
  }
}

function malformed(detail: string) {
  return new ProblemError(400, "malformed_body", { detail });
}
