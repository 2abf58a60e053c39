import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import { type Clock, isoTime } from "../platform/clock.ts";
import type {
  AuditEntry,
  Capabilities,
  ExecutionAck,
  ExecutionResult,
  LogEntry,
  NatType,
  SecretResponse,
} from "../wire/bodies.ts";
import {
  type EndpointReport2,
  endpointResponse2Schema,
  type HeartbeatRequest2,
  heartbeatResponse2Schema,
  type KeyRotateRequest2,
  keyRotateResponse2Schema,
} from "../wire/dialect2/bodies.ts";
import { parseSnapshot2 } from "../wire/dialect2/parse_snapshot2.ts";
import { checkShape } from "../wire/shape_error.ts";
import type { Peer, StatePosition } from "../wire/state.ts";
import { ControlError } from "./control_error.ts";
import { encodeCapabilities2 } from "./dialect2_capabilities.ts";
import { type Call2, type NodeCalls2, PLACES_2 } from "./dialect2_calls.ts";
import { ackExecution2, reportResult2 } from "./dialect2_executions.ts";
import { syncReports2 } from "./dialect2_reports.ts";
import { fetchSecret2 } from "./dialect2_secret.ts";
import { sendAudit2, sendLogs2, sendMetrics2 } from "./dialect2_telemetry.ts";
import { fetchCarrierCredentials } from "./fetch_carrier_credentials.ts";
import { NodeCalls, type NodeCallsOptions } from "./node_calls.ts";
import type {
  Beat,
  BeatHints,
  NodeUplink,
  PeerEndpoint,
  SystemSample,
} from "./node_uplink.ts";
import type { ReportChanges } from "./report_changes.ts";
import { type PulledAnswer, StatePulls } from "./state_pulls.ts";

/** Options for {@linkcode Dialect2Uplink}. */
export interface Dialect2UplinkOptions
  extends Omit<NodeCallsOptions<Call2>, "places"> {
  /** Version of plexd. */
  readonly version: string;
  readonly clock: Clock;
}

/**
 * The control plane as one registered node sees it in dialect 2.
 *
 * @see docs/wire.md, section h
 */
export class Dialect2Uplink implements NodeUplink {
  readonly dialect = 2;
  readonly #calls: NodeCalls2;
  readonly #pulls: StatePulls;
  readonly #version: string;
  readonly #clock: Clock;

  constructor(options: Dialect2UplinkOptions) {
    this.#calls = new NodeCalls({ ...options, places: PLACES_2 });
    this.#version = options.version;
    this.#clock = options.clock;
    this.#pulls = new StatePulls({
      http: options.http,
      call: () => this.#calls.callTo("state"),
      parse: (text) => parseSnapshot2(text),
    });
  }

  async heartbeat(beat: Beat, signal: AbortSignal): Promise<BeatHints> {
    const body: HeartbeatRequest2 = {
      client_now: beat.timestamp,
      binary_checksum: beat.binarySha256,
      binary_version: this.#version,
      nat_summary: {},
      ...(beat.agent ? { agent: beat.agent } : {}),
    };
    const hints = await this.#calls.json(
      "heartbeat",
      {},
      { json: JSON.stringify(body) },
      (value) =>
        checkShape("heartbeat answer", heartbeatResponse2Schema, value),
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

  fetchSecret(key: string, signal: AbortSignal): Promise<SecretResponse> {
    return fetchSecret2(this.#calls, key, signal);
  }

  syncReports(changes: ReportChanges, signal: AbortSignal): Promise<void> {
    return syncReports2(this.#calls, changes, signal);
  }

  /** There is no such call: what a reconcile corrected is the node's own affair. */
  reportDrift(): Promise<void> {
    return Promise.resolve();
  }

  /** Ids are numbers there; another one would be refused, and is left out. */
  openEvents(
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const isNumber = lastEventId !== undefined &&
      /^\d{1,19}$/.test(lastEventId);
    const { http } = this.#calls.options;
    return http.events(
      this.#calls.callTo("events"),
      isNumber ? lastEventId : undefined,
      signal,
    );
  }

  carrierCredentials(signal: AbortSignal): Promise<CarrierCredentials> {
    const { http, nodeId, bearer } = this.#calls.options;
    const node = { nodeId, bearer: bearer("heartbeat") };
    return fetchCarrierCredentials(http, node, signal);
  }

  /**
   * The published contract has no such call; plexd's own control plane does.
   *
   * @throws {ControlError} kind "unsupported" where it is not known.
   */
  async deregister(signal: AbortSignal): Promise<void> {
    try {
      await this.#calls.done("deregister", {}, {}, signal);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      const { status, code } = error;
      const unknown = status === 405 || status === 501 ||
        (status === 404 && code !== "node_not_found");
      if (!unknown) throw error;
      throw new ControlError(
        "unsupported",
        "This control plane lets no node deregister: remove the node there",
        { cause: error, ...(status === undefined ? {} : { status }) },
      );
    }
  }

  async rotateKeys(
    newPublicKey: string,
    signal: AbortSignal,
  ): Promise<readonly Peer[]> {
    const body: KeyRotateRequest2 = { new_public_key: newPublicKey };
    await this.#calls.json(
      "rotateKeys",
      {},
      { json: JSON.stringify(body) },
      (value) => checkShape("rotation answer", keyRotateResponse2Schema, value),
      signal,
    );
    return [];
  }

  async updateCapabilities(
    capabilities: Capabilities,
    signal: AbortSignal,
  ): Promise<void> {
    const json = encodeCapabilities2(capabilities, this.#version);
    await this.#calls.done("capabilities", {}, { json }, signal);
  }

  async reportEndpoint(
    publicEndpoint: string,
    natType: NatType,
    signal: AbortSignal,
  ): Promise<readonly PeerEndpoint[]> {
    const body: EndpointReport2 = {
      endpoint: publicEndpoint,
      // That there is none cannot be said.
      nat_type: natType === "none" ? "unknown" : natType,
      reported_at: isoTime(this.#clock.now()),
    };
    await this.#calls.json(
      "endpoint",
      {},
      { json: JSON.stringify(body) },
      (value) => checkShape("endpoint answer", endpointResponse2Schema, value),
      signal,
    );
    return [];
  }

  ackExecution(ack: ExecutionAck, signal: AbortSignal): Promise<void> {
    return ackExecution2(this.#calls, ack, signal);
  }

  reportResult(result: ExecutionResult, signal: AbortSignal): Promise<void> {
    return reportResult2(this.#calls, result, signal);
  }

  sendMetrics(
    samples: readonly SystemSample[],
    signal: AbortSignal,
  ): Promise<void> {
    return sendMetrics2(this.#calls, samples, this.#clock.now(), signal);
  }

  sendLogs(entries: readonly LogEntry[], signal: AbortSignal): Promise<void> {
    return sendLogs2(this.#calls, entries, this.#clock.now(), signal);
  }

  sendAudit(
    entries: readonly AuditEntry[],
    signal: AbortSignal,
  ): Promise<void> {
    return sendAudit2(this.#calls, entries, this.#clock.now(), signal);
  }
}
