import type { Part } from "../platform/part.ts";
import { agentHealth } from "../sync/agent_health.ts";
import { HealthReport, withdrawHealthReport } from "../sync/health_report.ts";
import { Heartbeat } from "../sync/heartbeat.ts";
import { ReportSyncer } from "../sync/report_syncer.ts";
import { buildAnnouncements, natOf } from "./announcements.ts";
import { binarySha256 } from "./binary_checksum.ts";
import type { Downstream } from "./downstream.ts";
import type { ContactMemory } from "./health.ts";
import type { NodeContext } from "./node_context.ts";
import { buildTelemetry, type Telemetry } from "./telemetry.ts";

/** What tells the control plane about the node. */
export interface Upstream {
  readonly syncer: ReportSyncer;
  readonly heartbeat: Heartbeat;
  readonly health: Part;
  /** What tells what the node can do and where it is. */
  readonly announcements: readonly Part[];
  readonly telemetry: Telemetry;
}

/** Puts together what sends. */
export function buildUpstream(
  context: NodeContext,
  { reconciler }: Downstream,
  memory: ContactMemory,
): Upstream {
  const { config, version, store, uplink, tasks, degraded, contact, io } =
    context;
  const inHeartbeat = context.identity.heartbeatAgent === true;
  const recoveries = () => store.recoveries.recoveries;
  const nat = natOf(config);
  const syncer = new ReportSyncer({
    reports: store.reports,
    ledger: store.syncLedger,
    uplink,
    dialect: uplink.dialect,
    debounceMs: config["node_api.debounce_period"],
    io,
  });
  contact.onRegained(() => syncer.onContact());
  return {
    syncer,
    heartbeat: new Heartbeat({
      uplink,
      intervalMs: config["heartbeat.interval"],
      startedMs: context.startedMs,
      isDegraded: () => degraded.list().length > 0,
      ...(inHeartbeat
        ? { health: () => agentHealth(degraded.list(), recoveries()) }
        : {}),
      binarySha256,
      ...(nat ? { nat } : {}),
      onReconcile: () => reconciler.trigger("heartbeat"),
      onRotateKeys() {
        if (!store.restored.isPending) tasks.rotation.onHint();
      },
      onAnswer(failure) {
        contact.heard("heartbeat", failure);
        memory.beat(failure);
        context.skew.called(failure);
      },
      io,
    }),
    announcements: buildAnnouncements({
      config,
      version,
      uplink,
      peers: store.state,
      hooks: () => tasks.hooks(),
      pull: (reason) => reconciler.trigger(reason),
      io,
    }),
    telemetry: buildTelemetry({
      config,
      identity: context.identity,
      uplink,
      intake: context.intake,
      left: context.requests.left,
      kernel: context.kernel,
    }),
    health: inHeartbeat
      ? withdrawHealthReport({ reports: store.reports, io })
      : new HealthReport({
        health: degraded,
        reports: store.reports,
        recoveries,
        io,
      }),
  };
}
