import type * as z from "zod/mini";
import { dropSpace } from "../../wire/canonical.ts";
import {
  auditEntrySchema,
  logEntrySchema,
  metricSchema,
} from "../../wire/bodies.ts";
import { CallRates } from "../call_rates.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJsonList } from "../http/json_body.ts";
import type { Services } from "../services.ts";
import type { IngestKind } from "../storage/operations.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** Records of each kind that are kept of each node, the newest ones. */
export const KEPT_RECORDS = 1_000;

/** Twice what agents of dialect 1 send at a time. */
export const MAX_RECORDS = 1_000;

/** Longest record, as text without white space. */
export const MAX_RECORD_CHARACTERS = 16 * 1024;

/**
 * `POST /v1/nodes/{node_id}/metrics`, `…/logs` and `…/audit`: records that pile
 * up on the node.
 *
 * @see docs/wire.md, sections a.3 and a.6
 */
export function ingestRoutes(services: Services): NodeRoute[] {
  return [
    ingestRoute("metrics", metricSchema, services),
    ingestRoute("logs", logEntrySchema, services),
    ingestRoute("audit", auditEntrySchema, services),
  ];
}

function ingestRoute(
  kind: IngestKind,
  schema: z.ZodMiniType,
  services: Services,
): NodeRoute {
  const { storage, io, stop } = services;
  const rates = new CallRates(io.clock);
  return nodeRoute(kind, async ({ id }, { request }) => {
    rates.count(id);
    const texts = await readJsonList(request, schema, {
      clock: io.clock,
      stop,
      maxItems: MAX_RECORDS,
      maxItemCharacters: MAX_RECORD_CHARACTERS,
    });
    const receivedAtMs = io.clock.now();
    const records = texts.map((text) => ({
      receivedAtMs,
      record: dropSpace(text),
    }));
    await storage.write(async (rows) =>
      await rows.ingest.add(id, kind, records, KEPT_RECORDS)
    );
    return jsonAnswer({ accepted: records.length }, 202);
  });
}
