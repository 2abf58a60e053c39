import { table } from "./table.ts";

/** Columns of `plexd state --output table`. */
const HEAD = ["TYPE", "KEY", "VERSION"];

/** The summary of a node's state, a line for each key. */
export function stateTable(summary: unknown): string {
  const metadata = Object.keys(memberOf(summary, "metadata") ?? {})
    .map((key) => ["metadata", key, ""]);
  return table(HEAD, [
    ...metadata,
    ...entries(summary, "data"),
    ...entries(summary, "secret"),
    ...entries(summary, "report"),
  ]);
}

function entries(summary: unknown, type: string): string[][] {
  const list = memberOf(summary, `${type}_keys`);
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
