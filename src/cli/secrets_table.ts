import type { Screen } from "./output/screen.ts";
import { table } from "./output/table.ts";

/** Names and versions on a terminal; for programs, a name a line. */
export function secretsTable(screen: Screen, refs: unknown): string {
  const rows = (Array.isArray(refs) ? refs : []).map((ref) => [
    String(ref?.key ?? ""),
    String(ref?.version ?? ""),
  ]);
  return screen.columns === undefined
    ? rows.map(([name]) => seen(name!)).join("\n")
    : table(screen, ["NAME", "VERSION"], rows);
}

/** A line is a name, whatever is in it. */
function seen(name: string): string {
  return name.replace(/\p{Cc}/gu, "\ufffd");
}
