import type { Row } from "./row.ts";

/** The rows as a Markdown table, columns aligned. */
export function asTable(rows: readonly Row[]): string {
  const cells = [
    ["What", "Figure", "Floor", "Ratio", "Goal", "Met"],
    ...rows.map((row) => [
      row.what,
      `${short(row.value)} ${row.unit}`,
      row.floor === null ? "–" : `${short(row.floor)} ${row.unit}`,
      row.ratio === null ? "–" : row.ratio.toFixed(2),
      row.goal || "–",
      row.met === null ? "–" : row.met ? "yes" : "no",
    ]),
  ];
  const widths = cells[0]!.map((_cell, column) =>
    Math.max(...cells.map((row) => row[column]!.length))
  );
  const lines = cells.map((row) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

/** One JSON object for machines to read. */
export function asJsonLine(row: Row): string {
  const { name, value, unit, floor, ratio, goal, met } = row;
  return JSON.stringify({ name, value, unit, floor, ratio, goal, met });
}

function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}
