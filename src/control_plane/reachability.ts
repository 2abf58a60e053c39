import type { Node } from "./storage/storage.ts";

/** Three heartbeats missed. */
const STALE_MS = 90_000;

/** Ten heartbeats missed: more than a restart or a short outage explains. */
const UNREACHABLE_MS = 300_000;

/** Whether a node is heard of, and since when that is so. */
export interface Reachability {
  readonly state: "healthy" | "stale" | "unreachable";
  readonly lastHeartbeatAtMs: number;
  readonly changedAtMs: number;
}

/** @returns undefined for a node that has sent no heartbeat yet. */
export function reachabilityOf(
  { lastHeartbeatAtMs, healthySinceMs }: Pick<
    Node,
    "lastHeartbeatAtMs" | "healthySinceMs"
  >,
  nowMs: number,
): Reachability | undefined {
  if (lastHeartbeatAtMs === undefined) return undefined;
  const silentMs = nowMs - lastHeartbeatAtMs;
  if (silentMs >= UNREACHABLE_MS) {
    const changedAtMs = lastHeartbeatAtMs + UNREACHABLE_MS;
    return { state: "unreachable", lastHeartbeatAtMs, changedAtMs };
  }
  if (silentMs >= STALE_MS) {
    const changedAtMs = lastHeartbeatAtMs + STALE_MS;
    return { state: "stale", lastHeartbeatAtMs, changedAtMs };
  }
  return {
    state: "healthy",
    lastHeartbeatAtMs,
    changedAtMs: healthySinceMs ?? lastHeartbeatAtMs,
  };
}

/** Since when a node is healthy whose heartbeat comes now. */
export function healthySince(node: Node, nowMs: number): number {
  const before = reachabilityOf(node, nowMs);
  return before?.state === "healthy" ? before.changedAtMs : nowMs;
}
