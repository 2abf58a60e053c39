import type { Screen } from "./output/screen.ts";
import { table } from "./output/table.ts";

/** Columns of `plexd state --output table`. */
const HEAD = ["TYPE", "KEY", "VERSION"];

/** The summary of a node's state, or all of it, a line for each key. */
export function stateTable(screen: Screen, summary: unknown): string {
  const metadata = Object.keys(memberOf(summary, "metadata") ?? {})
    .map((key) => ["metadata", key, ""]);
  return table(screen, HEAD, [
    ...metadata,
    ...entries(summary, "data", "data"),
    ...entries(summary, "secret"),
    ...entries(summary, "report", "reports"),
  ]);
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
