import type { StatusDocument } from "../wire/status.ts";

/**
 * The node in one line, as `systemctl status` shows it: whether it is well, what
 * is wrong, how fresh its state is and what waits.
 */
export function statusLine(status: StatusDocument): string {
  if (status.node_id === "") return notEnrolledLine(status);
  const { reasons, stale, state, stream, sync } = status;
  const names = reasons.map(({ reason }) => reason);
  return [
    names.length > 0 ? `${status.status}: ${names.join(", ")}` : status.status,
    ...(stale ? ["serving stale state"] : streamPart(stream.state)),
    ...(state.version === null ? [] : [`state version ${state.version}`]),
    ...(sync.pending > 0
      ? [`${sync.pending} ${sync.pending === 1 ? "report" : "reports"} waiting`]
      : []),
    `node ${status.node_id}`,
  ].join("; ");
}

function streamPart(state: string): readonly string[] {
  if (state === "streaming") return [];
  return [state === "pull_only" ? "without an event stream" : "reconnecting"];
}

function notEnrolledLine({ reasons }: StatusDocument): string {
  const others = reasons.map(({ reason }) => reason)
    .filter((reason) => reason !== "not_enrolled");
  return [
    'not enrolled: waiting for a bootstrap token, or for "plexd join"',
    ...others,
  ].join("; ");
}
