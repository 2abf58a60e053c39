import type { Finding } from "../../store/finding.ts";
import type { Invocation } from "../command.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";

/** How findings are told. */
export interface FindingsText {
  /** Head of the column that says what becomes of each. */
  readonly repairHead: string;
  /** Said when there are none. */
  readonly none: string;
}

/** Prints findings as a table, or with everything else as a document. */
export async function printFindings(
  invocation: Invocation,
  findings: readonly Finding[],
  { repairHead, none }: FindingsText,
  document: Readonly<Record<string, unknown>>,
): Promise<void> {
  const rows = findings.map(({ file, what, repair }) => [file, what, repair]);
  await show(invocation, {
    json: JSON.stringify({ findings, ...document }),
    table: (screen) =>
      rows.length === 0
        ? none
        : table(screen, ["FILE", "FOUND", repairHead], rows),
  });
}
