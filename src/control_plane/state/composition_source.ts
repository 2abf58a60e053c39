import type { DomainService } from "../storage/assignments.ts";
import type { Execution } from "../storage/operations.ts";
import type { Eventual } from "../storage/eventual.ts";

/** What the last look at a node's heartbeats said; empty before the first. */
export type ReachabilityState = "" | "healthy" | "stale" | "unreachable";

/** Another node of a domain, as it is stored: nothing is checked yet. */
export interface PeerRow {
  readonly nodeId: string;
  readonly meshIp: string;
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
  /** `ip:port`, or empty. */
  readonly endpoint: string;
}

export interface EntryRow {
  readonly kind: "metadata" | "data" | "report";
  readonly key: string;
  /** Text of metadata; JSON of anything else. */
  readonly value: string;
  /** Absent of metadata. */
  readonly contentType: string | undefined;
  readonly workloadTag: string | undefined;
}

export interface ReachabilityRow {
  readonly state: ReachabilityState;
  readonly lastHeartbeatAtMs: number | undefined;
  readonly changedAtMs: number | undefined;
}

export interface PolicyRow {
  readonly revisionId: string;
  readonly fingerprint: string;
  /** JSON text of the merged rules. */
  readonly rules: string;
}

/** What the snapshot of one node is made of; lists in ascending order of keys. */
export interface CompositionRows {
  /**
   * All nodes of the domain, the addressed one included or not. A frozen list
   * never changes: what is made of it may be kept for as long as it is given.
   */
  readonly peers: readonly PeerRow[];
  readonly entries: readonly EntryRow[];
  readonly executions: readonly Execution[];
  readonly reachability: ReachabilityRow;
  readonly policy: PolicyRow | undefined;
  /** JSON text. */
  readonly bridge: string | undefined;
  /** Of the node. */
  readonly roles: readonly string[];
  /** Of the domain. */
  readonly services: readonly DomainService[];
  /** JSON text of what the node declared, if it did. */
  readonly capabilities: string | undefined;
}

/**
 * Where the composer gets its rows from, in exactly one round trip. It must not
 * drop rows by itself: that is the composer's to decide and to log.
 *
 * @see seed Reconciliation pull, "PeerSource"
 */
export interface CompositionSource {
  rowsFor(nodeId: string, domainId: string): Eventual<CompositionRows>;
  /** The `peers` of these rows alone. */
  peersOf(domainId: string): Eventual<readonly PeerRow[]>;
}
