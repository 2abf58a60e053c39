import { type DataEntry, encodeDataEntry } from "../wire/data_entry.ts";

/** Report changes of one sync. */
export interface ReportChanges {
  readonly entries: readonly DataEntry[];
  readonly deleted: readonly string[];
}

/**
 * The body of a report sync. Payloads stand in it byte for byte; an empty side
 * is null, as the public agent sends it.
 *
 * @see docs/wire.md, section e.2
 */
export function encodeReportChanges(
  { entries, deleted }: ReportChanges,
): string {
  const put = entries.length === 0
    ? "null"
    : `[${entries.map(encodeDataEntry).join(",")}]`;
  const gone = deleted.length === 0 ? "null" : JSON.stringify(deleted);
  return `{"entries":${put},"deleted":${gone}}`;
}
