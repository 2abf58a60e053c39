import * as z from "zod/mini";
import { rawElements } from "../../wire/raw_json.ts";
import { ShapeError } from "../../wire/shape_error.ts";
import { type DataEntry, parseDataEntries } from "../../wire/data_entry.ts";
import { jsonAnswer } from "../http/answers.ts";
import { readJson } from "../http/json_body.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import type { Rows } from "../storage/storage.ts";
import { type NodeRoute, nodeRoute } from "./node_route.ts";

/** A batch holds several entries of which each may have 1 MiB. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Reports that a node may have. Of telemetry, as many are kept. */
export const MAX_REPORTS_1 = 1_000;

export const reportBatchSchema = z.object({
  entries: z.nullish(z.array(z.unknown())),
  deleted: z.nullish(z.array(z.string())),
});

/**
 * `POST /v1/nodes/{node_id}/report`: what changed among the node's reports.
 *
 * Batches come at least once, so an entry that is there already is done. A key
 * in both lists stays: losing what a node wrote is worse than keeping it.
 * A batch for which there is no room is refused whole: no answer of this dialect
 * can say which of its entries were taken.
 *
 * @see docs/wire.md, section e.2
 */
export function reportRoute(services: Services): NodeRoute {
  const { storage, io, stop } = services;
  return nodeRoute("report", async (node, { request }) => {
    const { value, raw } = await readJson(request, reportBatchSchema, {
      clock: io.clock,
      stop,
      maxBytes: MAX_BATCH_BYTES,
    });
    const entries = value.entries ? entriesFrom(raw.get("entries")!) : [];
    const deleted = value.deleted ?? [];
    await storage.write(async (rows) => {
      const before = await rows.reports.count(node.id);
      for (const key of deleted) await rows.reports.remove(node.id, key);
      for (const entry of entries) {
        await store(rows, node.id, entry, io.clock.now());
      }
      // Deletions have made room first, and what is there already may change.
      if (entries.length > 0) await refuseTooMany(rows, node.id, before);
    });
    return jsonAnswer({ accepted: entries.length, deleted: deleted.length });
  });
}

/** Who has too many since before there was a limit may still change them. */
async function refuseTooMany(rows: Rows, nodeId: string, before: number) {
  const count = await rows.reports.count(nodeId);
  if (count <= Math.max(before, MAX_REPORTS_1)) return;
  throw new ProblemError(409, "report_quota_exceeded", {
    detail: `A node has at most ${MAX_REPORTS_1} reports: delete some first`,
  });
}

async function store(
  rows: Rows,
  nodeId: string,
  entry: DataEntry,
  nowMs: number,
) {
  const known = await rows.reports.get(nodeId, entry.key);
  const isDone = known && known.payload === entry.payload &&
    known.contentType === entry.contentType &&
    known.version === entry.version && known.updatedAt === entry.updatedAt;
  if (!isDone) await rows.reports.put(nodeId, entry, nowMs);
}

/** One by one: public agents may send a key twice, and the last one counts. */
function entriesFrom(text: string): DataEntry[] {
  try {
    return rawElements(text).flatMap((element) =>
      parseDataEntries("report entry", `[${element}]`)
    );
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ProblemError(400, "malformed_body", { detail: error.message });
  }
}
