/** What a change can be of. `secrets` tells names and versions, never values. */
export const WATCH_KINDS = [
  "metadata",
  "data",
  "secrets",
  "report",
  /** A degraded reason came or is over; the key names it. */
  "status",
] as const;

export type WatchKind = typeof WATCH_KINDS[number];

/** How often a watcher hears something while nothing changes, in ms. */
export const WATCH_HEARTBEAT_MS = 15_000;

/** The data of a `change`: something is durable, or gone, as told. */
export interface WatchChange {
  readonly kind: WatchKind;
  readonly key: string;
  /** Of the entry as it is now; metadata, statuses and what is gone have none. */
  readonly version?: number | undefined;
  readonly change: "added" | "changed" | "removed";
  /** Who wanted it. */
  readonly origin: "control_plane" | "local";
  /** When it could be read, as RFC 3339 text in UTC. */
  readonly at: string;
}

/** The data of a `hello`: the changes after this position follow. */
export interface WatchHello {
  readonly position: string;
  /** Whether the stream goes on where its reader has stopped. */
  readonly resumed: boolean;
}

/**
 * Why changes are missing: read everything anew, then go on.
 *
 * - `restarted`: the position is of another run of the agent
 * - `too_old`: more has changed since than is remembered
 * - `too_many_changes`: more changed at once than is told one by one
 * - `unknown_position`: the position is none of this agent's
 */
export const WATCH_RESETS = [
  "restarted",
  "too_old",
  "too_many_changes",
  "unknown_position",
] as const;

export type WatchResetReason = typeof WATCH_RESETS[number];

/** The data of a `reset`: the changes after this position follow. */
export interface WatchReset {
  readonly reason: WatchResetReason;
  readonly position: string;
}

/** The data of an `end`, the last event of a stream. */
export interface WatchEnd {
  /**
   * - `slow_reader`: what was sent was not taken in time
   * - `stopping`: the agent ends, or its local API begins anew
   * - `state_unavailable`: reads of the state are refused from now on
   */
  readonly reason: "slow_reader" | "stopping" | "state_unavailable";
}
