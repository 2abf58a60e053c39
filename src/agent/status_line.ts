import type { StatusDocument } from "../wire/status.ts";

/**
 * The node in one line, as `systemctl status` shows it: whether it is well, what
 * is wrong, how fresh its state is and what waits.
 */
export function statusLine(status: StatusDocument): string {
  const { reasons, stale, state, stream, sync } = status;
  const isUp = stream.state === "streaming";
  const names = reasons.map(({ reason }) => reason);
  return [
    names.length > 0 ? `${status.status}: ${names.join(", ")}` : status.status,
    ...(stale ? ["serving stale state"] : isUp ? [] : ["reconnecting"]),
    ...(state.version === null ? [] : [`state version ${state.version}`]),
    ...(sync.pending > 0
      ? [`${sync.pending} ${sync.pending === 1 ? "report" : "reports"} waiting`]
      : []),
    `node ${status.node_id}`,
  ].join("; ");
}
