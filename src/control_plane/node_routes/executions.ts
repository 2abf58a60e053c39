import {
  executionAckSchema,
  executionResultSchema,
} from "../../wire/bodies.ts";
import { acknowledge, finish } from "../executions.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** Room for more output than is kept. */
export const MAX_RESULT_BYTES = 2 * 1024 * 1024;

const MAX_REASON = 255;

/**
 * What a node says about an execution: first whether it runs it, then how it
 * ended.
 *
 * @see docs/wire.md, sections a.3 and a.6
 */
export function executionRoutes(services: Services): NodeRoute[] {
  const { storage, io, stop } = services;
  const limits = { clock: io.clock, stop };
  return [
    nodeRoute("executionAck", async (node, { request, params }) => {
      const { value } = await readJson(request, executionAckSchema, limits);
      checkId(value.execution_id, params["execution_id"]!);
      if (value.status === "rejected") checkReason(value.reason);
      await storage.write((rows) =>
        acknowledge(rows, node.id, value, io.clock.now())
      );
      return jsonAnswer({ accepted: true });
    }),
    nodeRoute("executionResult", async (node, call) => {
      const { value } = await readJson(call.request, executionResultSchema, {
        ...limits,
        maxBytes: MAX_RESULT_BYTES,
      });
      checkId(value.execution_id, call.params["execution_id"]!);
      await storage.write((rows) =>
        finish(rows, node.id, value, io.clock.now())
      );
      io.log.info("Execution ended", {
        node_id: node.id,
        execution_id: value.execution_id,
        status: value.status,
      });
      return jsonAnswer({ accepted: true });
    }),
  ];
}

function checkId(inBody: string, inPath: string) {
  if (inBody === inPath) return;
  throw new ProblemError(400, "execution_id_mismatch", {
    detail: "The body is about another execution than the path",
  });
}

function checkReason(reason: string) {
  if (reason !== "" && reason.length <= MAX_REASON) return;
  throw new ProblemError(400, "malformed_body", {
    detail: `A rejection has a "reason" of at most ${MAX_REASON} characters`,
  });
}
