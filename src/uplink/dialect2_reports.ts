import type { DataEntry } from "../wire/data_entry.ts";
import {
  type PutReport2,
  putReportResponse2Schema,
} from "../wire/dialect2/bodies.ts";
import { checkShape } from "../wire/shape_error.ts";
import { ControlError } from "./control_error.ts";
import type { NodeCalls2 } from "./dialect2_calls.ts";
import type { ReportChanges } from "./report_changes.ts";

/**
 * Sends report changes one by one, in the order of keys, up to the first one
 * that is not taken. Sending what has been taken once more does no harm.
 *
 * @see docs/wire.md, section h.6
 */
export async function syncReports2(
  calls: NodeCalls2,
  { entries, deleted }: ReportChanges,
  signal: AbortSignal,
): Promise<void> {
  const changes = [
    ...entries.map((entry) => ({
      key: entry.key,
      send: () => putReport(calls, entry, signal),
    })),
    ...deleted.map((key) => ({
      key,
      send: () => deleteReport(calls, key, signal),
    })),
  ].sort((a, b) => a.key < b.key ? -1 : 1);
  for (const { send } of changes) await send();
}

async function putReport(
  calls: NodeCalls2,
  { key, payload }: DataEntry,
  signal: AbortSignal,
): Promise<void> {
  const body: PutReport2 = { value: payload };
  const json = JSON.stringify(body);
  await calls.json(
    "putReport",
    { key },
    { json },
    (value) => checkShape("report answer", putReportResponse2Schema, value),
    signal,
  );
}

/** A report that is not there any more is deleted. */
async function deleteReport(
  calls: NodeCalls2,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await calls.done("deleteReport", { key }, {}, signal);
  } catch (error) {
    const gone = error instanceof ControlError &&
      error.code === "report_not_found";
    if (!gone) throw error;
  }
}
