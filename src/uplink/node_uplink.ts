import type {
  AuditEntry,
  Capabilities,
  DriftReport,
  ExecutionAck,
  ExecutionResult,
  LogEntry,
  NatType,
  SecretResponse,
  SystemData,
} from "../wire/bodies.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { Peer, StatePosition } from "../wire/state.ts";
import type { ReportChanges } from "./report_changes.ts";
import type { AgentHealth } from "../wire/agent_health.ts";
import type { PulledAnswer } from "./state_pulls.ts";

/** How a node is reached, and what stands in front of it. */
export interface NodeNat {
  /** `ip:port`. */
  readonly publicEndpoint: string;
  readonly natType: NatType;
}

/** What every heartbeat says, whatever the dialect makes of it. */
export interface Beat {
  /** RFC 3339 text. */
  readonly timestamp: string;
  /** `healthy` or `degraded`. */
  readonly status: string;
  /** Since the agent started, ms. */
  readonly uptimeMs: number;
  /** SHA-256 of the running program in hex; empty when it is not known. */
  readonly binarySha256: string;
  /** How it is reached from outside; absent when that is not configured. */
  readonly nat?: NodeNat;
  /** Only for a control plane that has announced to take it. */
  readonly agent?: AgentHealth;
}

/** What the answer to a heartbeat asks for. */
export interface BeatHints {
  readonly reconcile: boolean;
  readonly rotateKeys: boolean;
}

/** Load of the machine at one moment. */
export interface SystemSample {
  /** RFC 3339 text. */
  readonly timestamp: string;
  readonly data: SystemData;
}

/** Where another node was last seen. */
export interface PeerEndpoint {
  readonly peerId: string;
  /** `ip:port`, never empty. */
  readonly endpoint: string;
}

/**
 * The control plane as one registered node sees it, in either dialect: what the
 * agent's loops call. Each loop names only the few calls that it needs.
 *
 * Every call rejects with a `ControlError`, or with the signal's reason when
 * that aborts. A call that a dialect does not have rejects with kind
 * "unsupported", without asking anyone.
 *
 * @see seed Control Plane Client, "API Methods"; docs/wire.md, sections a.3, h.1
 */
export interface NodeUplink {
  readonly dialect: Dialect;
  heartbeat(beat: Beat, signal: AbortSignal): Promise<BeatHints>;
  /**
   * Pulls what the node should be, signed where the control plane signs.
   *
   * @param applied The signed snapshot that was activated last; plexd's own
   * control plane takes note of it.
   */
  pullState(
    applied: StatePosition | undefined,
    signal: AbortSignal,
  ): Promise<PulledAnswer>;
  /** The text of the trust bundle in force; plexd's own control plane only. */
  fetchTrustBundle(signal: AbortSignal): Promise<string>;
  /** A secret, still encrypted for this node. */
  fetchSecret(key: string, signal: AbortSignal): Promise<SecretResponse>;
  /** Sends changed and deleted reports: what resolves has been taken. */
  syncReports(changes: ReportChanges, signal: AbortSignal): Promise<void>;
  /** Dialect 2 has no such call: it resolves at once there. */
  reportDrift(report: DriftReport, signal: AbortSignal): Promise<void>;
  openEvents(
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
  /**
   * Asks for short-lived credentials of the message bus; plexd's own control
   * plane only, and only where it has one.
   */
  carrierCredentials(signal: AbortSignal): Promise<CarrierCredentials>;
  deregister(signal: AbortSignal): Promise<void>;
  /**
   * Announces a new X25519 key, base64 of 32 bytes.
   *
   * @returns the peers that changed with it; dialect 2 names none.
   */
  rotateKeys(
    newPublicKey: string,
    signal: AbortSignal,
  ): Promise<readonly Peer[]>;
  updateCapabilities(
    capabilities: Capabilities,
    signal: AbortSignal,
  ): Promise<void>;
  /** @returns where peers are; dialect 2 names none. */
  reportEndpoint(
    publicEndpoint: string,
    natType: NatType,
    signal: AbortSignal,
  ): Promise<readonly PeerEndpoint[]>;
  ackExecution(ack: ExecutionAck, signal: AbortSignal): Promise<void>;
  reportResult(result: ExecutionResult, signal: AbortSignal): Promise<void>;
  sendMetrics(
    samples: readonly SystemSample[],
    signal: AbortSignal,
  ): Promise<void>;
  sendLogs(entries: readonly LogEntry[], signal: AbortSignal): Promise<void>;
  sendAudit(entries: readonly AuditEntry[], signal: AbortSignal): Promise<void>;
}
