/**
 * What the control plane keeps. One interface, so that another database can
 * take the place of the built-in one: rows only, no rules.
 */
import type { DataEntry } from "../../wire/data_entry.ts";
import type { Dialect } from "../../wire/dialect.ts";
import type { EventType } from "../../wire/event_types.ts";
import type { SecretRef } from "../../wire/state.ts";
import type { AssignmentRows } from "./assignments.ts";
import type { Scope } from "../scopes.ts";
import type { BusReaderRows } from "./bus_readers.ts";
import type { Eventual } from "./eventual.ts";
import type {
  CompositionSource,
  ReachabilityState,
} from "../state/composition_source.ts";
import type {
  BridgeRows,
  CompiledPolicyRows,
  ExecutionRows,
  IngestRows,
  OutputRows,
  PolicyRows,
  SessionRows,
} from "./operations.ts";

export interface Storage {
  /**
   * Runs `work` on one consistent view. It should wait for nothing but rows:
   * others wait for it.
   */
  read<T>(work: (rows: Rows) => Promise<T>): Promise<T>;
  /**
   * Runs `work` as one transaction, on disk when this resolves. When `work`
   * throws, nothing of it has happened.
   *
   * @throws {StorageError}
   */
  write<T>(work: (rows: Rows) => Promise<T>): Promise<T>;
  close(): void;
}

/** The database failed; or, "unstorable", cannot keep what it was given. */
export class StorageError extends Error {
  override readonly name = "StorageError";

  constructor(
    readonly kind: "full" | "busy" | "damaged" | "failed" | "unstorable",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Rows by what they are about. */
export interface Rows {
  readonly settings: SettingRows;
  readonly domains: DomainRows;
  readonly tokens: TokenRows;
  readonly nodes: NodeRows;
  readonly values: ValueRows;
  readonly secrets: SecretRows;
  readonly events: EventRows;
  readonly signingKeys: SigningKeyRows;
  readonly reports: ReportRows;
  readonly policies: PolicyRows;
  readonly compiledPolicies: CompiledPolicyRows;
  readonly bridges: BridgeRows;
  /** All that a snapshot is made of, in one statement. */
  readonly composition: CompositionSource;
  readonly assignments: AssignmentRows;
  readonly executions: ExecutionRows;
  readonly outputs: OutputRows;
  readonly sessions: SessionRows;
  readonly ingest: IngestRows;
  readonly snapshots: SnapshotRows;
  readonly relations: RelationRows;
  readonly busReaders: BusReaderRows;
  readonly admins: AdminRows;
  readonly audit: AuditRows;
}

/** Facts about the database itself, such as its epoch. */
export interface SettingRows {
  get(name: string): Eventual<string | undefined>;
  set(name: string, value: string): Eventual<void>;
}

export interface Domain {
  readonly id: string;
  readonly name: string;
  /** IPv4 network of the mesh, such as `10.42.0.0/16`. */
  readonly meshCidr: string;
}

export interface DomainRows {
  all(): Eventual<Domain[]>;
  byId(id: string): Eventual<Domain | undefined>;
  byName(name: string): Eventual<Domain | undefined>;
  add(domain: Domain): Eventual<void>;
}

/** A one-time token; the token itself is not kept. */
export interface Token {
  /** SHA-256 of the token. */
  readonly hash: Uint8Array;
  readonly domainId: string;
  readonly expiresAtMs: number;
  /** Who used it. */
  readonly use?: TokenUse;
}

export interface TokenUse {
  readonly atMs: number;
  readonly nodeId: string;
  readonly publicKey: string;
}

export interface TokenRows {
  /** The soonest to expire first. */
  all(): Eventual<Token[]>;
  /** @returns whether it was there. */
  remove(hash: Uint8Array): Eventual<boolean>;
  byHash(hash: Uint8Array): Eventual<Token | undefined>;
  add(token: Token): Eventual<void>;
  use(hash: Uint8Array, use: TokenUse): Eventual<void>;
  /** Removes those that were used, or else expired, before. @returns how many. */
  prune(beforeMs: number): Eventual<number>;
}

export interface Node {
  readonly id: string;
  readonly domainId: string;
  /** Wire dialect it registered with. */
  readonly dialect: Dialect;
  readonly hostname: string;
  readonly publicKey: string;
  readonly meshIp: string;
  /** JSON object of strings that the node gave at registration. */
  readonly labels: string;
  /** Its secret key, sealed. */
  readonly sealedKey: Uint8Array;
  /**
   * Counts the changes of what its pull answers, from 1. Those of the signing
   * keys count when a snapshot is signed.
   */
  readonly stateVersion: number;
  /** State version it pulled last; 0 before the first pull. */
  readonly pulledVersion: number;
  /** Sequence of the last event before it got its keys. */
  readonly firstSequence: number;
  readonly registeredAtMs: number;
  /** Undefined until its first authenticated call. */
  readonly firstCallAtMs: number | undefined;
  readonly lastHeartbeatAtMs: number | undefined;
  readonly reachabilityState: ReachabilityState;
  /** Undefined before the first heartbeat. */
  readonly reachabilityChangedAtMs: number | undefined;
  /** JSON text of its last heartbeat. */
  readonly heartbeat: string | undefined;
  /** Whether it was asked to rotate its key, and has not done so yet. */
  readonly rotateKeys: boolean;
  /** Of the last rotation that was asked for or done. */
  readonly rotationId: string | undefined;
  /** Counts its mesh keys, from 1. */
  readonly keyVersion: number;
  /** `ip:port` from outside; empty when it has told none. */
  readonly endpoint: string;
  readonly natType: string | undefined;
  readonly endpointAtMs: number | undefined;
  /** JSON object in the words of its dialect. */
  readonly capabilities: string | undefined;
  readonly capabilitiesAtMs: number | undefined;
  /** Dialect 2 only: what it registered with. */
  readonly registrationNonce: string | undefined;
  /** Since when its key does not count; it is nobody's peer any more. */
  readonly revokedAtMs: number | undefined;
}

/** What is known of a node at its registration. */
export type NewNode =
  & Pick<
    Node,
    | "id"
    | "domainId"
    | "dialect"
    | "hostname"
    | "publicKey"
    | "meshIp"
    | "labels"
    | "sealedKey"
    | "firstSequence"
    | "registeredAtMs"
  >
  & { readonly registrationNonce?: string };

export interface NodeRows {
  all(): Eventual<Node[]>;
  /** Those that were not revoked, in ascending order of ids. */
  ofDomain(domainId: string): Eventual<Node[]>;
  /** Addresses in use in a domain. */
  meshIps(domainId: string): Eventual<string[]>;
  byId(id: string): Eventual<Node | undefined>;
  /** @param hash SHA-256 of the bearer. */
  byBearer(hash: Uint8Array): Eventual<Node | undefined>;
  byRegistrationNonce(nonce: string): Eventual<Node | undefined>;
  add(node: NewNode, bearerHash: Uint8Array): Eventual<void>;
  /** Removes it with all that belongs to it. */
  remove(id: string): Eventual<void>;
  replaceKey(
    id: string,
    key: {
      readonly bearerHash: Uint8Array;
      readonly sealedKey: Uint8Array;
      readonly firstSequence: number;
    },
  ): Eventual<void>;
  firstCall(id: string, atMs: number): Eventual<void>;
  pulled(id: string, stateVersion: number): Eventual<void>;
  heartbeat(
    id: string,
    beat: { readonly atMs: number; readonly text: string },
  ): Eventual<void>;
  reachabilityChanged(
    id: string,
    to: { readonly state: ReachabilityState; readonly atMs: number },
  ): Eventual<void>;
  /** Of those that were not revoked. */
  countByReachability(): Eventual<Map<ReachabilityState, number>>;
  /** Nodes of that state whose last heartbeat came then or before. */
  silentSince(state: ReachabilityState, ms: number): Eventual<Node[]>;
  /** Heartbeats of a later time, by a clock that went back, become of `ms`. */
  notHeardAfter(ms: number): Eventual<void>;
  /** Asks for a new mesh key. */
  wantRotation(id: string, rotationId: string): Eventual<void>;
  /** Takes the new mesh key; nothing is asked for any more. */
  rotated(id: string, publicKey: string, rotationId: string): Eventual<void>;
  setEndpoint(
    id: string,
    endpoint: string,
    natType: string,
    atMs: number,
  ): Eventual<void>;
  revoke(id: string, atMs: number): Eventual<void>;
  setCapabilities(id: string, text: string, atMs: number): Eventual<void>;
  /** @returns the new state version. */
  nextStateVersion(id: string): Eventual<number>;
  /**
   * Counts a change for every node of a domain, or all but one.
   *
   * @returns for how many.
   */
  nextStateVersions(domainId: string, exceptNodeId?: string): Eventual<number>;
}

/**
 * Metadata and data of nodes. A removed data entry leaves its version behind,
 * so that a later one under the same key continues from it.
 */
export interface ValueRows {
  /** In ascending order of keys. */
  metadata(nodeId: string): Eventual<Map<string, string>>;
  setMetadata(nodeId: string, key: string, value: string): Eventual<void>;
  /** @returns whether it was there. */
  removeMetadata(nodeId: string, key: string): Eventual<boolean>;
  /** In ascending order of keys. */
  data(nodeId: string): Eventual<DataEntry[]>;
  dataEntry(nodeId: string, key: string): Eventual<DataEntry | undefined>;
  /** @returns the version it got. */
  setData(
    nodeId: string,
    entry: Omit<DataEntry, "version">,
  ): Eventual<number>;
  /** @returns whether it was there. */
  removeData(nodeId: string, key: string): Eventual<boolean>;
  /** Bytes of everything in the node's metadata and data. */
  size(nodeId: string): Eventual<number>;
}

export interface SecretRows {
  /** In ascending order of keys. */
  refs(nodeId: string): Eventual<SecretRef[]>;
  get(
    nodeId: string,
    key: string,
  ): Eventual<{ version: number; sealed: Uint8Array } | undefined>;
  /** @returns the version it got. */
  set(nodeId: string, key: string, sealed: Uint8Array): Eventual<number>;
  /** @returns whether it was there. */
  remove(nodeId: string, key: string): Eventual<boolean>;
}

/** An event as it is kept: unsigned, since it is signed when it is sent. */
export interface StoredEvent {
  readonly sequence: number;
  readonly id: string;
  readonly type: string;
  readonly domainId: string;
  /** Absent when it is for every node of the domain, or all but one. */
  readonly nodeId: string | undefined;
  readonly exceptNodeId: string | undefined;
  /** JSON text. */
  readonly payload: string;
  /** The key that was current when it happened. */
  readonly signingKeyId: string;
  readonly createdAtMs: number;
}

export interface EventRows {
  append(event: Omit<StoredEvent, "sequence">): Eventual<void>;
  /** The next events for a node after a sequence, oldest first. */
  after(
    sequence: number,
    audience: { readonly nodeId: string; readonly domainId: string },
    limit: number,
  ): Eventual<StoredEvent[]>;
  /** The next events of all, whoever they are for. */
  allAfter(sequence: number, limit: number): Eventual<StoredEvent[]>;
  /** The newest events for a node, newest first. */
  newest(
    audience: { readonly nodeId: string; readonly domainId: string },
    limit: number,
  ): Eventual<StoredEvent[]>;
  /** Sequence of the newest event of all; 0 when there never was one. */
  lastSequence(): Eventual<number>;
  /** Sequence of the newest event that is older; 0 when there is none. */
  lastSequenceBefore(ms: number): Eventual<number>;
  /** Sequence of the oldest event of all but one type. */
  oldestSequence(exceptType: EventType): Eventual<number | undefined>;
  /** Removes old events of all but one type. @returns how many. */
  prune(olderThanMs: number, exceptType: EventType): Eventual<number>;
}

export interface StoredSigningKey {
  readonly id: string;
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
  /** The private key, sealed. */
  readonly sealed: Uint8Array;
  readonly createdAtMs: number;
  readonly retiredAtMs: number | undefined;
  /** Until when nodes go on accepting it after it retired. */
  readonly transitionExpiresMs: number | undefined;
}

export interface SigningKeyRows {
  /** Oldest first. */
  all(): Eventual<StoredSigningKey[]>;
  byId(id: string): Eventual<StoredSigningKey | undefined>;
  current(): Eventual<StoredSigningKey | undefined>;
  /** The one that retired last. */
  previous(): Eventual<StoredSigningKey | undefined>;
  add(
    key: Pick<StoredSigningKey, "id" | "publicKey" | "sealed" | "createdAtMs">,
  ): Eventual<void>;
  retire(
    id: string,
    at: { readonly atMs: number; readonly transitionExpiresMs: number },
  ): Eventual<void>;
}

export interface StoredDrift {
  readonly receivedAtMs: number;
  /** JSON text of the drift report. */
  readonly report: string;
}

/** What a node reported under a key. */
export interface Report extends DataEntry {
  /** Dialect 2 only. */
  readonly workloadTag?: string;
}

export interface ReportRows {
  /** In ascending order of keys. */
  all(nodeId: string): Eventual<Report[]>;
  get(nodeId: string, key: string): Eventual<Report | undefined>;
  count(nodeId: string): Eventual<number>;
  put(nodeId: string, report: Report, receivedAtMs: number): Eventual<void>;
  remove(nodeId: string, key: string): Eventual<boolean>;
  /** Keeps the newest `kept` ones of the node. */
  addDrift(nodeId: string, drift: StoredDrift, kept: number): Eventual<void>;
  /** Newest first. */
  drift(nodeId: string): Eventual<StoredDrift[]>;
}

/** What was signed as a node's state last, and what it said it applied. */
export interface SnapshotRows {
  lastSigned(nodeId: string): Eventual<SignedContent | undefined>;
  signed(nodeId: string, content: SignedContent): Eventual<void>;
  lastApplied(nodeId: string): Eventual<AppliedSnapshot | undefined>;
  applied(nodeId: string, snapshot: AppliedSnapshot): Eventual<void>;
}

export interface SignedContent {
  /** State version that it was signed under. */
  readonly version: number;
  /** Base64. */
  readonly contentSha256: string;
}

export interface AppliedSnapshot {
  readonly epoch: number;
  readonly version: number;
  /** When the node first said so. */
  readonly atMs: number;
}

/** Who is what to what, such as the agent of a node. */
export interface Relation {
  /** Such as `node:<id>`. */
  readonly subject: string;
  /** Such as `node-agent`. */
  readonly relation: string;
  /** Such as `node:<id>`. */
  readonly object: string;
}

export interface RelationRows {
  has(relation: Relation): Eventual<boolean>;
  /** Nothing happens where it is there already. */
  add(relation: Relation): Eventual<void>;
  /** Removes all in which someone or something takes part. */
  removeOf(subjectOrObject: string): Eventual<void>;
}

/** What an operator shows; the token itself is not kept. */
export interface AdminToken {
  /** SHA-256 of the token. */
  readonly hash: Uint8Array;
  /** Empty of the first one. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
}

export interface AdminRows {
  all(): Eventual<AdminToken[]>;
  add(token: AdminToken): Eventual<void>;
  /** @returns whether it was there. */
  remove(name: string): Eventual<boolean>;
}

/** A row as it is kept. */
export interface StoredAuditRow extends Omit<AuditRow, "source"> {
  /** Counts the rows, from 1. */
  readonly id: number;
  /** Unknown of rows from before it was noted. */
  readonly source: string | undefined;
}

/** Who did what to what, and whether it was allowed. */
export interface AuditRow {
  readonly atMs: number;
  /** Such as `admin` or `node:<id>`. */
  readonly subject: string;
  /** Such as `node.delete`. */
  readonly relation: string;
  readonly object: string;
  readonly outcome: string;
  /** IP address that the call came from; a proxy's, where there is one. */
  readonly source: string;
}

export interface AuditRows {
  add(row: AuditRow): Eventual<void>;
  /** Newest first. */
  newest(limit: number): Eventual<StoredAuditRow[]>;
  /** Those with a higher id, oldest first. */
  after(id: number, limit: number): Eventual<StoredAuditRow[]>;
  /** Removes what is older, and all but the newest `most`. @returns how many. */
  prune(olderThanMs: number, most: number): Eventual<number>;
}
