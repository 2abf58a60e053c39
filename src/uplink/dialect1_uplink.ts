import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import {
  type AuditEntry,
  type Capabilities,
  type DriftReport,
  type EndpointReport,
  endpointResponseSchema,
  type ExecutionAck,
  type ExecutionResult,
  type HeartbeatRequest,
  heartbeatResponseSchema,
  type KeyRotateRequest,
  keyRotateResponseSchema,
  type LogEntry,
  type Metric,
  type NatType,
  type SecretResponse,
  secretResponseSchema,
} from "../wire/bodies.ts";
import { formatDuration } from "../wire/duration.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { checkShape } from "../wire/shape_error.ts";
import type { Peer, StatePosition } from "../wire/state.ts";
import { parseStateDocument } from "../wire/state_document.ts";
import { peerFromWire } from "../wire/wire_peer.ts";
import { fetchCarrierCredentials } from "./fetch_carrier_credentials.ts";
import { NodeCalls, type NodeCallsOptions } from "./node_calls.ts";
import type {
  Beat,
  BeatHints,
  NodeUplink,
  PeerEndpoint,
  SystemSample,
} from "./node_uplink.ts";
import { encodeReportChanges, type ReportChanges } from "./report_changes.ts";
import { type PulledAnswer, StatePulls } from "./state_pulls.ts";

/** Options for {@linkcode Dialect1Uplink}. */
export type Dialect1UplinkOptions = Omit<
  NodeCallsOptions<keyof typeof ENDPOINTS>,
  "places"
>;

/**
 * The control plane as one registered node sees it in dialect 1.
 *
 * @see docs/wire.md, sections a.1 to a.6; seed Control Plane Client
 */
export class Dialect1Uplink implements NodeUplink {
  readonly dialect = 1;
  readonly #calls: NodeCalls<keyof typeof ENDPOINTS>;
  readonly #pulls: StatePulls;

  constructor(options: Dialect1UplinkOptions) {
    this.#calls = new NodeCalls({ ...options, places: ENDPOINTS });
    this.#pulls = new StatePulls({
      http: options.http,
      call: () => this.#calls.callTo("state"),
      parse: parseStateDocument,
    });
  }

  async heartbeat(beat: Beat, signal: AbortSignal): Promise<BeatHints> {
    const body: HeartbeatRequest = {
      node_id: this.#calls.options.nodeId,
      timestamp: beat.timestamp,
      status: beat.status,
      uptime: formatDuration(beat.uptimeMs),
      binary_checksum: beat.binarySha256 && `sha256:${beat.binarySha256}`,
      ...natOf(beat),
      ...(beat.agent ? { agent: beat.agent } : {}),
    };
    const hints = await this.#calls.json(
      "heartbeat",
      {},
      { json: JSON.stringify(body) },
      (value) => checkShape("heartbeat answer", heartbeatResponseSchema, value),
      signal,
    );
    return { reconcile: hints.reconcile, rotateKeys: hints.rotate_keys };
  }

  pullState(
    applied: StatePosition | undefined,
    signal: AbortSignal,
  ): Promise<PulledAnswer> {
    return this.#pulls.pull(applied, signal);
  }

  fetchTrustBundle(signal: AbortSignal): Promise<string> {
    return this.#calls.text("trustBundle", {}, {}, signal);
  }

  /**
   * @throws {ControlError} kind "not_found" without asking for a name that no
   * path can carry.
   */
  fetchSecret(key: string, signal: AbortSignal): Promise<SecretResponse> {
    return this.#calls.json(
      "secret",
      { key },
      {},
      (value) => checkShape("secret answer", secretResponseSchema, value),
      signal,
    );
  }

  /** Payloads go out byte for byte. */
  syncReports(changes: ReportChanges, signal: AbortSignal): Promise<void> {
    return this.#tell("report", encodeReportChanges(changes), signal);
  }

  reportDrift(report: DriftReport, signal: AbortSignal): Promise<void> {
    return this.#tell("drift", JSON.stringify(report), signal);
  }

  openEvents(
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { http } = this.#calls.options;
    return http.events(this.#calls.callTo("events"), lastEventId, signal);
  }

  carrierCredentials(signal: AbortSignal): Promise<CarrierCredentials> {
    const { http, nodeId, bearer } = this.#calls.options;
    const node = { nodeId, bearer: bearer("heartbeat") };
    return fetchCarrierCredentials(http, node, signal);
  }

  async deregister(signal: AbortSignal): Promise<void> {
    await this.#calls.tell("deregister", {}, {}, signal);
  }

  async rotateKeys(
    newPublicKey: string,
    signal: AbortSignal,
  ): Promise<readonly Peer[]> {
    const body: KeyRotateRequest = {
      node_id: this.#calls.options.nodeId,
      new_public_key: newPublicKey,
    };
    const { updated_peers } = await this.#calls.json(
      "rotateKeys",
      {},
      { json: JSON.stringify(body) },
      (value) => checkShape("rotation answer", keyRotateResponseSchema, value),
      signal,
    );
    return (updated_peers ?? []).map(peerFromWire);
  }

  updateCapabilities(
    capabilities: Capabilities,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#tell("capabilities", JSON.stringify(capabilities), signal);
  }

  async reportEndpoint(
    publicEndpoint: string,
    natType: NatType,
    signal: AbortSignal,
  ): Promise<readonly PeerEndpoint[]> {
    const body: EndpointReport = {
      public_endpoint: publicEndpoint,
      nat_type: natType,
    };
    const { peer_endpoints } = await this.#calls.json(
      "endpoint",
      {},
      { json: JSON.stringify(body) },
      (value) => checkShape("endpoint answer", endpointResponseSchema, value),
      signal,
    );
    return (peer_endpoints ?? []).flatMap(({ peer_id, endpoint }) =>
      endpoint ? [{ peerId: peer_id, endpoint }] : []
    );
  }

  async ackExecution(ack: ExecutionAck, signal: AbortSignal): Promise<void> {
    const values = { execution_id: ack.execution_id };
    const json = JSON.stringify(ack);
    await this.#calls.tell("executionAck", values, { json }, signal);
  }

  async reportResult(
    result: ExecutionResult,
    signal: AbortSignal,
  ): Promise<void> {
    const values = { execution_id: result.execution_id };
    const json = JSON.stringify(result);
    await this.#calls.tell("executionResult", values, { json }, signal);
  }

  sendMetrics(
    samples: readonly SystemSample[],
    signal: AbortSignal,
  ): Promise<void> {
    const metrics = samples.map(({ timestamp, data }): Metric => ({
      timestamp,
      group: "system",
      data,
    }));
    return this.#tell("metrics", JSON.stringify(metrics), signal);
  }

  sendLogs(entries: readonly LogEntry[], signal: AbortSignal): Promise<void> {
    return this.#tell("logs", JSON.stringify(entries), signal);
  }

  sendAudit(
    entries: readonly AuditEntry[],
    signal: AbortSignal,
  ): Promise<void> {
    return this.#tell("audit", JSON.stringify(entries), signal);
  }

  /** A call whose answer says nothing more. */
  async #tell(
    name: keyof typeof ENDPOINTS,
    json: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#calls.tell(name, {}, { json }, signal);
  }
}

function natOf({ nat }: Beat): Pick<HeartbeatRequest, "nat"> {
  if (!nat) return {};
  return { nat: { public_endpoint: nat.publicEndpoint, type: nat.natType } };
}
