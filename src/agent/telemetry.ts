import type { BatchSettings, BatchStatus } from "../sync/batch_sender.ts";
import { BatchSender } from "../sync/batch_sender.ts";
import type { Config } from "../config/settings.ts";
import type { KernelFiles } from "../platform/kernel_files.ts";
import type { Part } from "../platform/part.ts";
import type { Identity } from "../store/identity.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import type { StatusDocument, TelemetryCounts } from "../wire/status.ts";
import { auditGapRecord } from "./audit_records.ts";
import { SystemSampler } from "./system_sampler.ts";
import type { TelemetryIntake } from "./telemetry_intake.ts";

/** What {@linkcode buildTelemetry} works with. */
export interface TelemetryNeeds {
  readonly config: Config;
  readonly identity: Pick<
    Identity,
    "controlPlane" | "domainId" | "nodeId" | "dialect"
  >;
  readonly uplink: Pick<NodeUplink, "sendMetrics" | "sendLogs" | "sendAudit">;
  readonly intake: TelemetryIntake;
  /** Aborts when this node has been deregistered. */
  readonly left: AbortSignal;
  /** What tells the load of the machine. */
  readonly kernel: KernelFiles;
}

/** What sends metrics, logs and audit records. */
export interface Telemetry {
  readonly parts: readonly Part[];
  status(): StatusDocument["telemetry"];
}

/** Puts together what sends telemetry, as far as the settings want it. */
export function buildTelemetry(needs: TelemetryNeeds): Telemetry {
  const { config, identity, uplink, intake } = needs;
  const { logs, audit } = intake;
  const buffers = intake.buffers.for(identity, {
    logs: logs?.dropped ?? 0,
    audit: audit?.dropped ?? 0,
  });
  const shared = {
    dialect: identity.dialect,
    left: needs.left,
    io: intake.plainIo,
  };
  // Said once items get through again: it asks for one more of them, no call.
  const tellGap = (telemetry: string) => (dropped: number) =>
    intake.io.log.warn("Telemetry was dropped", { telemetry, dropped });
  const sampler = new SystemSampler({
    dataDir: config.data_dir,
    readText: (path) => needs.kernel.read(path),
    io: intake.io,
  });
  const metrics = config["metrics.enabled"]
    ? new BatchSender({
      name: "metrics",
      collect: () => sampler.sample(),
      send: (samples, signal) => uplink.sendMetrics(samples, signal),
      buffer: buffers.metrics,
      onGap: tellGap("metrics"),
      ...batchSettings(config, "metrics"),
      ...shared,
    })
    : undefined;
  const logSender = logs && new BatchSender({
    name: "logs",
    collect: () => logs.drain(),
    send: (entries, signal) => uplink.sendLogs(entries, signal),
    buffer: buffers.logs,
    lostBefore: () => logs.dropped,
    onGap: tellGap("logs"),
    ...batchSettings(config, "log_fwd"),
    ...shared,
  });
  const auditSender = audit && new BatchSender({
    name: "audit",
    collect() {
      intake.secretReads?.flush();
      return audit.drain();
    },
    send: (entries, signal) => uplink.sendAudit(entries, signal),
    buffer: buffers.audit,
    lostBefore: () => audit.dropped,
    onGap(dropped) {
      intake.record(auditGapRecord(dropped));
      tellGap("audit")(dropped);
    },
    ...batchSettings(config, "audit_fwd"),
    ...shared,
  });
  return {
    parts: [metrics, logSender, auditSender].filter((part) =>
      part !== undefined
    ),
    status: () => ({
      metrics: countsOf(metrics?.status),
      logs: countsOf(logSender?.status, logs),
      audit: countsOf(auditSender?.status, audit),
    }),
  };
}

function batchSettings(
  config: Config,
  section: "metrics" | "log_fwd" | "audit_fwd",
): BatchSettings {
  return {
    collectMs: config[`${section}.collect_interval`],
    reportMs: config[`${section}.report_interval`],
    batchSize: config[`${section}.batch_size`],
  };
}

/** @param intake What waits to be collected counts as well. */
function countsOf(
  status: BatchStatus | undefined,
  intake: { readonly dropped: number; readonly waiting: number } = {
    dropped: 0,
    waiting: 0,
  },
): TelemetryCounts | null {
  if (!status) return null;
  return {
    sent: status.sent,
    dropped: status.dropped + intake.dropped,
    buffered: status.buffered + intake.waiting,
    last_error: status.lastError ?? null,
  };
}
