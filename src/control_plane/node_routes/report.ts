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

export const reportBatchSchema = z.object({
  entries: z.nullish(z.array(z.unknown())),
  deleted: z.nullish(z.array(z.string())),
});

/**
 * `POST /v1/nodes/{node_id}/report`: what changed among the node's reports.
 *
 * Batches come at least once, so an entry that is there already is done. A key
 * in both lists stays: losing what a node wrote is worse than keeping it.
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
      for (const key of deleted) await rows.reports.remove(node.id, key);
      for (const entry of entries) {
        await store(rows, node.id, entry, io.clock.now());
      }
    });
    return jsonAnswer({ accepted: entries.length, deleted: deleted.length });
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
