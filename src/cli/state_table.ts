import type { Screen } from "./output/screen.ts";
import { table } from "./output/table.ts";

/** Columns of `plexd state --output table`. */
const HEAD = ["TYPE", "KEY", "VERSION"];

/**
 * The summary of a node's state, or all of it, a line for each key.
 *
 * @param reports The list of reports with how far each is on its way to the
 * control plane: another column, where it is known of one.
 */
export function stateTable(
  screen: Screen,
  summary: unknown,
  reports?: unknown,
): string {
  const metadata = Object.keys(memberOf(summary, "metadata") ?? {})
    .map((key) => ["metadata", key, ""]);
  const ofReports = entries(summary, "report", "reports");
  const rows = [
    ...metadata,
    ...entries(summary, "data", "data"),
    ...entries(summary, "secret"),
  ];
  const sync = syncByKey(reports);
  if (sync.size === 0) return table(screen, HEAD, [...rows, ...ofReports]);
  return table(screen, [...HEAD, "SYNC"], [
    ...rows.map((row) => [...row, ""]),
    ...ofReports.map((row) => [...row, sync.get(row[1]!) ?? ""]),
  ]);
}

function syncByKey(reports: unknown): ReadonlyMap<string, string> {
  const list: readonly unknown[] = Array.isArray(reports) ? reports : [];
  return new Map(list.flatMap((one) => {
    const key = memberOf(one, "key");
    const state = memberOf(memberOf(one, "sync"), "state");
    return typeof key === "string" && typeof state === "string"
      ? [[key, state]]
      : [];
  }));
}

/** Columns of `plexd state get --output table`. */
const ENTRY_HEAD = ["MEMBER", "VALUE"];

/** One entry, a line for each of its members. */
export function entryTable(screen: Screen, entry: unknown): string {
  const members = typeof entry === "object" && entry !== null
    ? Object.entries(entry)
    : [];
  return table(
    screen,
    ENTRY_HEAD,
    members.map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** @param whole The member that holds whole entries, in a full state. */
function entries(summary: unknown, type: string, whole = ""): string[][] {
  const list = memberOf(summary, `${type}_keys`) ?? memberOf(summary, whole);
  if (!Array.isArray(list)) return [];
  return list.map((one) => [
    type,
    String(memberOf(one, "key") ?? ""),
    String(memberOf(one, "version") ?? ""),
  ]);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
