import type { ReachabilityState } from "./composition_source.ts";

/**
 * What a pull of dialect 2 answers, by the names of the seed's OpenAPI document.
 * All members are always there; what is not populated is null.
 *
 * @see seed Reconciliation pull, "Snapshot envelope diagram"; docs/wire.md,
 * section h.4
 */
export interface NodeStateSnapshot {
  /** The other nodes of the domain, in ascending order of ids. */
  readonly peers: readonly NodeStatePeer[];
  readonly reachability: NodeStateReachability;
  readonly policy: NodeStatePolicy | null;
  readonly bridge: NodeStateBridge | null;
  readonly state: NodeStateReports;
  /** The same as `state`, so that they can part later. */
  readonly reports: NodeStateReports;
  readonly executions: readonly NodeStateExecution[];
  /** Sessions are told by events alone. */
  readonly sessions: readonly never[];
  /** Absent where the node's roles bring none. */
  readonly services?: readonly RawJson[];
}

export interface NodeStatePeer {
  readonly node_id: string;
  readonly mesh_ip: string;
  /** Base64 of 32 bytes. */
  readonly public_key: string;
  /** `ip:port`; absent when it has told none. */
  readonly fallback_endpoint?: string;
}

/** Times are RFC 3339; Go's zero time where there is none. */
export interface NodeStateReachability {
  readonly state: ReachabilityState;
  readonly last_heartbeat_at: string;
  readonly changed_at: string;
}

export interface NodeStatePolicy {
  readonly revision_id: string;
  /** Base64 of the SHA-256 of `rules` as text. */
  readonly fingerprint: string;
  readonly rules: RawJson;
}

/** Each part absent, null or an object; opaque to this server. */
export type NodeStateBridge = RawJson;

export interface NodeStateEntry {
  readonly key: string;
  readonly value: string;
  readonly workload_tag?: string;
}

/** Each in ascending order of keys, and never null. */
export interface NodeStateReports {
  readonly metadata: readonly NodeStateEntry[];
  readonly data: readonly NodeStateEntry[];
  readonly reports: readonly NodeStateEntry[];
}

export interface NodeStateExecution {
  readonly execution_id: string;
  readonly action: string;
  readonly type: "builtin" | "hook";
  readonly parameters: RawJson;
  readonly status: "pending" | "ack" | "started";
  readonly requested_at: string;
  readonly expires_at: string;
}

/** JSON text that goes out byte for byte as it is kept. */
export class RawJson {
  constructor(readonly text: string) {}
}
