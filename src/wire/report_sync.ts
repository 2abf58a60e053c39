/**
 * How far a report is on its way to the control plane.
 *
 * - `synced`: the control plane has it as it is here
 * - `pending`: it goes up, now or when the control plane is there again
 * - `suspended`: the control plane takes no reports at all for now
 * - `refused`: the control plane does not take it as it is; it waits for a change
 * - `local_only`: the dialect cannot carry it, so it never leaves the node
 */
export const REPORT_SYNC_STATES = [
  "synced",
  "pending",
  "suspended",
  "refused",
  "local_only",
] as const;

export type ReportSyncState = typeof REPORT_SYNC_STATES[number];
