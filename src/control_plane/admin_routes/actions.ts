import * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { uuidV7 } from "../../platform/random.ts";
import { formatDuration } from "../../wire/duration.ts";
import { auditAdmin } from "../admin_audit.ts";
import { jsonAnswer, jsonTextAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { emitToNode } from "../node_events.ts";
import type { Services } from "../services.ts";
import type { Execution } from "../storage/operations.ts";
import {
  ADMIN_PREFIX,
  type AdminRoute,
  bodyLimits,
  checkedText,
  checkWhole,
  durationMs,
  nodeOrProblem,
} from "./admin_route.ts";

/** Executions kept of each node, the newest ones. */
const KEPT = 200;

/** A node that hears of an execution later than that must not start it. */
export const STARTS_WITHIN_MS = 60 * 60_000;

const MAX_TIMEOUT_MS = 24 * 60 * 60_000;

export const actionSchema = z.strictObject({
  action: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/)),
  parameters: z.optional(z.record(z.string(), z.string())),
  timeout: z.optional(z.string()),
});

/**
 * `POST /nodes/{id}/actions` {`action`, `parameters`?, `timeout`?} asks a node
 * to run something; `GET /nodes/{id}/executions` shows what came of it.
 *
 * @see docs/wire.md, section b.5
 */
export function actionRoutes(services: Services): AdminRoute[] {
  const { storage, changes, epoch, io } = services;
  const path = `${ADMIN_PREFIX}/nodes/{id}`;
  return [
    {
      method: "POST",
      path: `${path}/actions`,
      async handle({ request, params, operator }) {
        const { value, raw } = await readJson(
          request,
          actionSchema,
          bodyLimits(services),
        );
        checkWhole("parameters", raw, value.parameters);
        const parameters = value.parameters ?? {};
        for (const text of Object.entries(parameters).flat()) {
          checkedText("A parameter", text);
        }
        const requestedAtMs = io.clock.now();
        const execution = {
          id: uuidV7(io.clock, io.random),
          nodeId: params["id"]!,
          action: value.action,
          parameters: JSON.stringify(parameters),
          timeoutMs: timeoutFrom(value.timeout),
          requestedAtMs,
          expiresAtMs: requestedAtMs + STARTS_WITHIN_MS,
        };
        await changes.make(async (rows, emit) => {
          const node = await nodeOrProblem(rows, execution.nodeId);
          await rows.executions.add(execution, KEPT);
          await emitToNode(emit, "action_request", node, epoch, {
            execution_id: execution.id,
            action: execution.action,
            parameters,
            ...timeoutMember(execution),
            expires_at: isoTime(execution.expiresAtMs),
          });
          await auditAdmin(
            rows,
            io.clock,
            operator,
            "action.request",
            `node:${node.id}/actions/${execution.action}`,
          );
        });
        return jsonAnswer({
          execution_id: execution.id,
          expires_at: isoTime(execution.expiresAtMs),
        }, 202);
      },
    },
    {
      method: "GET",
      path: `${path}/executions`,
      handle: ({ params }) =>
        storage.read(async (rows) => {
          const { id } = await nodeOrProblem(rows, params["id"]!);
          const all = (await rows.executions.ofNode(id)).map(executionText);
          return jsonTextAnswer(`{"executions":[${all}]}`);
        }),
    },
  ];
}

function timeoutFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return durationMs(text, {
    atMostMs: MAX_TIMEOUT_MS,
    otherwise: 'The "timeout" is a duration such as "30s", of at most 24h',
  });
}

function timeoutMember({ timeoutMs }: Pick<Execution, "timeoutMs">) {
  return timeoutMs === undefined ? {} : { timeout: formatDuration(timeoutMs) };
}

function executionText(execution: Execution): string {
  const head = JSON.stringify({
    execution_id: execution.id,
    action: execution.action,
    ...timeoutMember(execution),
    state: execution.state,
    reason: execution.reason ?? null,
    requested_at: isoTime(execution.requestedAtMs),
    expires_at: isoTime(execution.expiresAtMs),
    changed_at: isoTime(execution.changedAtMs),
  }).slice(0, -1);
  return `${head},"parameters":${execution.parameters}` +
    `,"result":${execution.result ?? "null"}}`;
}
