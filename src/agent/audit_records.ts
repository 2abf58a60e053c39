import type { Recovery } from "../store/recovery.ts";
import type { AuditRecord } from "../sync/audit_trail.ts";

/** An event of the stream was refused: the `count`th for this reason. */
export function eventRefusedRecord(
  reason: string,
  count: number,
): AuditRecord {
  return {
    eventType: "event_refused",
    action: "refuse",
    subject: { type: "control_plane" },
    object: { type: "event", reason, count },
    result: "failure",
  };
}

/** Something on disk was damaged, and was dealt with. */
export function storeRecoveredRecord(
  { file, what, action }: Recovery,
): AuditRecord {
  return {
    eventType: "store_recovered",
    action,
    subject: { type: "agent" },
    object: { type: "file", file, what },
    result: "success",
  };
}

/** Records before this one are missing: so many were dropped. */
export function auditGapRecord(count: number): AuditRecord {
  return {
    eventType: "audit_gap",
    action: "drop",
    subject: { type: "agent" },
    object: { type: "audit_records", count },
    result: "failure",
  };
}
