/** Columns of `plexd state --output table`. */
const HEAD = ["TYPE", "KEY", "VERSION"];

/** The summary of a node's state, a line for each key. */
export function stateTable(summary: unknown): string {
  const metadata = Object.keys(memberOf(summary, "metadata") ?? {})
    .map((key) => ["metadata", key, ""]);
  const rows = [
    HEAD,
    ...metadata,
    ...entries(summary, "data"),
    ...entries(summary, "secret"),
    ...entries(summary, "report"),
  ].map((row) => row.map(plain));
  const widths = HEAD.map((_, at) =>
    Math.max(...rows.map((row) => row[at]!.length))
  );
  return rows.map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd()
  ).join("\n");
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

/** A key may hold anything; it must not steer the terminal. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}
