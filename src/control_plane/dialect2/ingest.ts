import type * as z from "zod/mini";
import { isoTime } from "../../platform/clock.ts";
import { dropSpace } from "../../wire/canonical.ts";
import {
  audit2Schema,
  log2Schema,
  metric2Schema,
  SENT_AT_HEADER,
} from "../../wire/dialect2/bodies.ts";
import { parseRfc3339 } from "../../wire/rfc3339.ts";
import { CallRates } from "../call_rates.ts";
import { jsonAnswer } from "../http/answers.ts";
import {
  type JsonListOptions,
  readJsonLines,
  readJsonList,
} from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import {
  KEPT_RECORDS,
  MAX_RECORD_CHARACTERS,
  MAX_RECORDS,
} from "../node_routes/ingest.ts";
import type { NodeRoute } from "../node_routes/node_route.ts";
import type { Services } from "../services.ts";
import type { IngestKind } from "../storage/operations.ts";
import { nodeRoute2 } from "./node_route2.ts";
import { renamed, type SurfaceCodes } from "./renamed.ts";

/** What refusals are called here. @see docs/wire.md, section h.3 */
const CODES: SurfaceCodes = {
  malformed_body: "ingest_batch_malformed",
  malformed_encoding: "ingest_encoding_invalid",
  unsupported_encoding: "ingest_encoding_unsupported",
  body_too_large: "ingest_body_too_large",
  record_too_large: "ingest_body_too_large",
  too_many_records: "ingest_batch_too_many_records",
};

/** Reads the records of a body, each as the text that came. */
type ReadRecords = (
  request: Request,
  schema: z.ZodMiniType,
  options: JsonListOptions,
) => Promise<string[]>;

/**
 * `POST /v1/nodes/{node_id}/metrics`, `…/logs` and `…/audit`: records that pile
 * up on the node, as an array or one on each line.
 *
 * @see docs/wire.md, section h.1
 */
export function ingestRoutes2(services: Services): NodeRoute[] {
  return [
    ingestRoute("metrics", metric2Schema, readJsonList, services),
    ingestRoute("logs", log2Schema, readJsonLines, services),
    ingestRoute("audit", audit2Schema, readJsonLines, services),
  ];
}

function ingestRoute(
  kind: IngestKind,
  schema: z.ZodMiniType,
  read: ReadRecords,
  services: Services,
): NodeRoute {
  const { storage, io, stop } = services;
  const rates = new CallRates(io.clock);
  return nodeRoute2(kind, async ({ id }, { request }) => {
    rates.count(id);
    checkSentAt(request);
    const texts = await renamed(
      CODES,
      () =>
        read(request, schema, {
          clock: io.clock,
          stop,
          maxItems: MAX_RECORDS,
          maxItemCharacters: MAX_RECORD_CHARACTERS,
        }),
    );
    const receivedAtMs = io.clock.now();
    const records = texts.map((text) => ({
      receivedAtMs,
      record: dropSpace(text),
    }));
    await storage.write(async (rows) =>
      await rows.ingest.add(id, kind, records, KEPT_RECORDS)
    );
    return jsonAnswer({
      accepted_at: isoTime(receivedAtMs),
      records: records.length,
    }, 202);
  });
}

/**
 * Any time will do: a clock that is off is the heartbeat's affair, and what the
 * node has to say must not be lost for it.
 */
function checkSentAt({ headers }: Request) {
  if (parseRfc3339(headers.get(SENT_AT_HEADER) ?? "")) return;
  throw new ProblemError(400, "ingest_sent_at_invalid", {
    detail: `The header ${SENT_AT_HEADER} holds an RFC 3339 time`,
  });
}
