import { isoTime } from "../platform/clock.ts";
import type { AuditEntry, LogEntry } from "../wire/bodies.ts";
import {
  type Audit2,
  type Log2,
  type Metric2,
  SENT_AT_HEADER,
} from "../wire/dialect2/bodies.ts";
import type { NodeCalls2 } from "./dialect2_calls.ts";
import type { SystemSample } from "./node_uplink.ts";

/** The header of every ingest call: when it was sent. */
export function sentAt(nowMs: number): Readonly<Record<string, string>> {
  return { [SENT_AT_HEADER]: isoTime(nowMs) };
}

/** Each figure of a sample is a metric of its own there. */
export async function sendMetrics2(
  calls: NodeCalls2,
  samples: readonly SystemSample[],
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const metrics = samples.flatMap(({ timestamp, data }) =>
    Object.entries(data).flatMap(([name, value]): Metric2[] =>
      value === undefined
        ? []
        : [{ group: "node_resources", name, value, timestamp }]
    )
  );
  if (metrics.length === 0) return;
  const json = JSON.stringify(metrics);
  const headers = sentAt(nowMs);
  await calls.done("metrics", {}, { json, headers }, signal);
}

export async function sendLogs2(
  calls: NodeCalls2,
  entries: readonly LogEntry[],
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const lines = entries.map((entry): Log2 => ({
    severity: entry.severity,
    message: entry.message,
    timestamp: entry.timestamp,
    unit: entry.unit,
    hostname: entry.hostname,
  }));
  await sendLines(calls, "logs", lines, nowMs, signal);
}

/** Who did it, and to what, has no place there. */
export async function sendAudit2(
  calls: NodeCalls2,
  entries: readonly AuditEntry[],
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const lines = entries.map((entry): Audit2 => ({
    // The contract knows no other source that this could be.
    source: "auditd",
    action: entry.event_type,
    outcome: entry.result,
    timestamp: entry.timestamp,
  }));
  await sendLines(calls, "audit", lines, nowMs, signal);
}

async function sendLines(
  calls: NodeCalls2,
  surface: "logs" | "audit",
  lines: readonly unknown[],
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (lines.length === 0) return;
  const ndjson = lines.map((line) => JSON.stringify(line) + "\n").join("");
  await calls.done(surface, {}, { ndjson, headers: sentAt(nowMs) }, signal);
}
