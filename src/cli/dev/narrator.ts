/**
 * Turns the agent's JSON log lines into lines for a person watching.
 */
export function narrate(line: string): string | undefined {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Not a log record: what the runtime says when it crashes, say.
    return `  ${line}`;
  }
  const { time, level, msg, component: _component, ...fields } = record;
  const at = String(time).slice(11, 19);
  const mark = level === "warn" || level === "error" ? `${level}: ` : "";
  const details = Object.entries(fields)
    .map(([name, value]) =>
      `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return `${at}  ${mark}${String(msg)}  ${details.join(" ")}`.trimEnd();
}
