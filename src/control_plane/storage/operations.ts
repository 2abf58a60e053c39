/** What operators ask of nodes, and what nodes send about themselves. */
import type { Eventual } from "./eventual.ts";

export interface Policy {
  readonly id: string;
  /** JSON array. */
  readonly rules: string;
  /** For which nodes it is. @default {all of the domain} */
  readonly selector: PolicySelector | undefined;
}

/** Nodes by id, or by metadata that they all have, or both. */
export interface PolicySelector {
  readonly nodes?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Policies of a domain. */
export interface PolicyRows {
  /** In ascending order of ids. */
  ofDomain(domainId: string): Eventual<Policy[]>;
  get(domainId: string, id: string): Eventual<Policy | undefined>;
  put(domainId: string, policy: Policy): Eventual<void>;
  /** @returns whether it was there. */
  remove(domainId: string, id: string): Eventual<boolean>;
  /** Bytes of everything in the domain's policies. */
  size(domainId: string): Eventual<number>;
}

/** What the policies of the domain come to for one node. */
export interface CompiledPolicy {
  readonly nodeId: string;
  /** Another one with each change. */
  readonly revisionId: string;
  /** Base64 of the SHA-256 of the rules as text. */
  readonly fingerprint: string;
  /** JSON array: merged rules as dialect 2 carries them. */
  readonly rules: string;
  /** JSON array: the policies that match, as dialect 1 carries them. */
  readonly matched: string;
}

export interface CompiledPolicyRows {
  of(nodeId: string): Eventual<CompiledPolicy | undefined>;
  put(policy: CompiledPolicy): Eventual<void>;
}

/** What nodes that carry traffic for others are to do. */
export interface BridgeRows {
  /** In ascending order of node ids; JSON objects. */
  all(): Eventual<{ readonly nodeId: string; readonly config: string }[]>;
  of(nodeId: string): Eventual<string | undefined>;
  put(nodeId: string, config: string): Eventual<void>;
  /** @returns whether it was there. */
  remove(nodeId: string): Eventual<boolean>;
}

/**
 * How far an execution is. Dialect 2 calls "accepted" `ack`, and "finished" by
 * how it ended.
 */
export type ExecutionState =
  | "pending"
  | "accepted"
  | "started"
  | "rejected"
  | "finished";

/** Something that a node was asked to run. */
export interface Execution {
  readonly id: string;
  readonly nodeId: string;
  readonly action: string;
  /** JSON object of strings. */
  readonly parameters: string;
  /** How long it may run; undefined leaves it to the node. */
  readonly timeoutMs: number | undefined;
  readonly requestedAtMs: number;
  /** From then on the node must not start it any more. */
  readonly expiresAtMs: number;
  readonly state: ExecutionState;
  /** Why it was rejected. */
  readonly reason: string | undefined;
  /** JSON object: how it ended, in the words of the node's dialect. */
  readonly result: string | undefined;
  readonly changedAtMs: number;
}

/** What is to be changed of an execution; `reason` and `result` stay if absent. */
export interface ExecutionStep {
  readonly state: ExecutionState;
  readonly reason?: string;
  readonly result?: string;
  readonly atMs: number;
}

export interface ExecutionRows {
  /** Keeps the newest `kept` ones of the node. */
  add(
    execution: Omit<Execution, "state" | "reason" | "result" | "changedAtMs">,
    kept: number,
  ): Eventual<void>;
  get(nodeId: string, id: string): Eventual<Execution | undefined>;
  /** Newest first. */
  ofNode(nodeId: string): Eventual<Execution[]>;
  step(nodeId: string, id: string, step: ExecutionStep): Eventual<void>;
}

/** Room for the output of an execution that is too long for its callback. */
export interface Output {
  readonly objectKey: string;
  readonly executionId: string;
  /** SHA-256 of what opens the upload. */
  readonly ticketHash: Uint8Array;
  readonly declaredBytes: number;
  readonly expiresAtMs: number;
  /** Undefined until it has come. */
  readonly came: CameOutput | undefined;
}

export interface CameOutput {
  /** Of the whole output, in hex. */
  readonly sha256: string;
  /** The first bytes of it. */
  readonly kept: Uint8Array;
}

export interface OutputRows {
  /** In place of any other one of that execution. */
  expect(output: Omit<Output, "came">): Eventual<void>;
  byTicket(hash: Uint8Array): Eventual<Output | undefined>;
  byKey(objectKey: string): Eventual<Output | undefined>;
  came(objectKey: string, output: CameOutput): Eventual<void>;
}

/** A session that an operator has with something behind a node. */
export interface Session {
  readonly id: string;
  readonly nodeId: string;
  readonly targetHost: string;
  readonly targetPort: number;
  /** One line, as in `authorized_keys`. */
  readonly authorizedKey: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Sessions that were neither revoked nor pruned. */
export interface SessionRows {
  add(session: Session): Eventual<void>;
  /** Newest first. */
  ofNode(nodeId: string): Eventual<Session[]>;
  /** @returns whether it was there. */
  remove(nodeId: string, id: string): Eventual<boolean>;
  /** Removes what expired before. @returns how many. */
  prune(expiredBeforeMs: number): Eventual<number>;
}

/** What nodes send in batches. */
export type IngestKind = "metrics" | "logs" | "audit";

export interface IngestRecord {
  readonly receivedAtMs: number;
  /** JSON object, as the node sent it, without white space. */
  readonly record: string;
}

export interface IngestRows {
  /** Keeps the newest `kept` records of the node and kind. */
  add(
    nodeId: string,
    kind: IngestKind,
    records: readonly IngestRecord[],
    kept: number,
  ): Eventual<void>;
  /** Newest first. */
  newest(
    nodeId: string,
    kind: IngestKind,
    limit: number,
  ): Eventual<IngestRecord[]>;
}
