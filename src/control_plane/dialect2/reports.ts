import { isoTime } from "../../platform/clock.ts";
import {
  MAX_REPORT_VALUE_BYTES,
  type PutReport2,
  putReport2Schema,
  REPORT_KEY_2,
} from "../../wire/dialect2/bodies.ts";
import { emptyAnswer, jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Call } from "../http/router.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import type { Rows } from "../storage/storage.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { renamed } from "./renamed.ts";
import { kept, valueOf } from "./report_value.ts";

/** Reports that a node may have. */
export const MAX_REPORTS = 256;

/** Escaped, a value can be six times as long, and a tag comes with it. */
const MAX_BODY_BYTES = 32 * 1024;

const MAX_TAG = 255;

/**
 * `PUT` and `DELETE /v1/nodes/{node_id}/state/reports/{key}`: what a node
 * reports, key by key.
 *
 * @see docs/wire.md, section h.6
 */
export function reportRoutes2(services: Services): NodeRoute[] {
  const { storage, io, stop } = services;
  return [
    nodeRoute2("putReport", async ({ id }, call) => {
      const key = keyOf(call);
      const { value: body } = await renamed(
        {
          malformed_body: "invalid_report",
          body_too_large: "payload_too_large",
        },
        () =>
          readJson(call.request, putReport2Schema, {
            clock: io.clock,
            stop,
            maxBytes: MAX_BODY_BYTES,
          }),
      );
      checkLimits(body);
      const nowMs = io.clock.now();
      await storage.write((rows) => put(rows, id, key, body, nowMs));
      return jsonAnswer({ accepted_at: isoTime(nowMs), key });
    }),
    nodeRoute2("deleteReport", async ({ id }, call) => {
      const key = keyOf(call);
      const wasThere = await storage.write(async (rows) =>
        await rows.reports.remove(id, key)
      );
      if (!wasThere) throw new ProblemError(404, "report_not_found");
      return emptyAnswer();
    }),
  ];
}

function keyOf({ params }: Call): string {
  const key = params["key"]!;
  if (REPORT_KEY_2.test(key)) return key;
  throw new ProblemError(400, "invalid_report", {
    detail: `A report's key matches ${REPORT_KEY_2.source}`,
  });
}

function checkLimits({ value, workload_tag: tag = "" }: PutReport2) {
  if (!value.isWellFormed() || !tag.isWellFormed() || tag.length > MAX_TAG) {
    throw new ProblemError(400, "invalid_report", {
      detail: `Value and tag are text, and a tag has at most ${MAX_TAG} ` +
        "characters",
    });
  }
  const size = new TextEncoder().encode(value).length;
  if (size <= MAX_REPORT_VALUE_BYTES) return;
  throw new ProblemError(413, "payload_too_large", {
    detail: `A report's value has at most ${MAX_REPORT_VALUE_BYTES} bytes`,
  });
}

/** What is there already is done: answers can be lost. */
async function put(
  rows: Rows,
  nodeId: string,
  key: string,
  { value, workload_tag }: PutReport2,
  nowMs: number,
) {
  const known = await rows.reports.get(nodeId, key);
  if (!known && await rows.reports.count(nodeId) >= MAX_REPORTS) {
    throw new ProblemError(409, "report_quota_exceeded", {
      detail: `A node has at most ${MAX_REPORTS} reports: delete some first`,
    });
  }
  const isDone = known && valueOf(known) === value &&
    known.workloadTag === workload_tag;
  if (isDone) return;
  await rows.reports.put(nodeId, {
    key,
    ...kept(value),
    version: (known?.version ?? 0) + 1,
    updatedAt: isoTime(nowMs),
    ...(workload_tag === undefined ? {} : { workloadTag: workload_tag }),
  }, nowMs);
}
