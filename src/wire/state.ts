import type { DataEntry } from "./data_entry.ts";
import type { ServiceAssignment } from "./service_assignment.ts";
import type { SigningKeys } from "./signing_keys.ts";

/** Name and version of a secret; its value never travels with it. */
export interface SecretRef {
  readonly key: string;
  readonly version: number;
}

/** Another node of the mesh. The pre-shared key is dropped when it is decoded. */
export interface Peer {
  readonly id: string;
  readonly publicKey: string;
  readonly meshIp: string;
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
}

/** A policy as raw text: its rules are compared, not interpreted. */
export interface Policy {
  readonly id: string;
  readonly rules: string;
}

/** Where in the control plane's history a state stands. Ordered by epoch, then version. */
export interface StatePosition {
  readonly epoch: number;
  readonly version: number;
}

/**
 * An execution as a pull of dialect 2 lists it: again and again, until the node
 * has said how it ended.
 *
 * @see docs/wire.md, section h.7
 */
export interface ExecutionRequest {
  readonly executionId: string;
  readonly action: string;
  /** `builtin` or `hook`. */
  readonly type?: string;
  /** Raw JSON text of an object, or `null`. */
  readonly parameters: string;
  /** `pending`, `ack` or `started`. */
  readonly status: string;
  /** RFC 3339 text. */
  readonly expiresAt?: string;
}

/** What a node should be, as one pull answers it. */
export interface DesiredState {
  readonly metadata: ReadonlyMap<string, string>;
  readonly data: readonly DataEntry[];
  readonly secretRefs: readonly SecretRef[];
  readonly peers: readonly Peer[];
  readonly policies: readonly Policy[];
  /** Absent from control planes that assign none. */
  readonly services?: readonly ServiceAssignment[];
  readonly signingKeys?: SigningKeys;
  /** Absent from control planes that do not number their states. */
  readonly position?: StatePosition;
  /** Absent from control planes that do not name the node. */
  readonly nodeId?: string;
  /** Its entries have no versions: the node counts their changes itself. */
  readonly unversioned?: boolean;
  /** Dialect 2 only: what the node is asked to run. */
  readonly executions?: readonly ExecutionRequest[];
}

/** -1, 0 or 1 as `a` is older than, the same as, or newer than `b`. */
export function comparePositions(a: StatePosition, b: StatePosition): number {
  return Math.sign(a.epoch - b.epoch) || Math.sign(a.version - b.version);
}
