import { HealthReport } from "../sync/health_report.ts";
import { Heartbeat } from "../sync/heartbeat.ts";
import { ReportSyncer } from "../sync/report_syncer.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import { formatDuration } from "../wire/duration.ts";
import { binarySha256 } from "./binary_checksum.ts";
import type { Downstream } from "./downstream.ts";
import type { NodeContext } from "./node_context.ts";
import { buildTelemetry, type Telemetry } from "./telemetry.ts";

/** What tells the control plane about the node. */
export interface Upstream {
  readonly syncer: ReportSyncer;
  readonly heartbeat: Heartbeat;
  readonly health: HealthReport;
  readonly telemetry: Telemetry;
}

/** Puts together what sends. */
export function buildUpstream(
  context: NodeContext,
  { reconciler }: Downstream,
): Upstream {
  const { config, store, uplink, client, degraded, contact, io } = context;
  const { nodeId } = context.identity;
  const publicEndpoint = config["nat.public_endpoint"];
  return {
    syncer: new ReportSyncer({
      reports: store.reports,
      ledger: store.syncLedger,
      uplink,
      debounceMs: config["node_api.debounce_period"],
      io,
    }),
    heartbeat: new Heartbeat({
      uplink: { heartbeat: heartbeatOver(client, nodeId) },
      intervalMs: config["heartbeat.interval"],
      reasons: () => degraded.list().map(({ reason }) => reason),
      binarySha256,
      ...(publicEndpoint === undefined ? {} : { publicEndpoint }),
      onReconcile: () => reconciler.trigger("heartbeat"),
      onRotateKeys: () => io.log.warn("Key rotation asked for"),
      onAnswer: contact,
      io,
    }),
    telemetry: buildTelemetry({
      config,
      dialect: context.identity.dialect,
      uplink,
      intake: context.intake,
    }),
    health: new HealthReport({
      health: degraded,
      reports: store.reports,
      io,
    }),
  };
}

function heartbeatOver(
  client: ControlClient,
  nodeId: string,
): NodeUplink["heartbeat"] {
  return async (beat, signal) => {
    const answer = await client.heartbeat(nodeId, {
      node_id: nodeId,
      timestamp: beat.timestamp,
      status: beat.status,
      uptime: formatDuration(beat.uptimeMs),
      binary_checksum: beat.binarySha256 && `sha256:${beat.binarySha256}`,
    }, signal);
    return { reconcile: answer.reconcile, rotateKeys: answer.rotate_keys };
  };
}
