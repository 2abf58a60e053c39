import type { Finding } from "../../store/finding.ts";
import type { Invocation } from "../command.ts";
import { indentJson } from "../indent_json.ts";
import { table } from "../table.ts";

/** Prints findings as a table, or with everything else as JSON. */
export function printFindings(
  { flags, print }: Invocation,
  findings: readonly Finding[],
  repairHead: string,
  document: Readonly<Record<string, unknown>>,
): void {
  if (flags["--output"] === "json") {
    return print(indentJson(JSON.stringify({ findings, ...document })));
  }
  if (findings.length === 0) return;
  const rows = findings.map(({ file, what, repair }) => [file, what, repair]);
  print(table(["FILE", "FOUND", repairHead], rows));
}
