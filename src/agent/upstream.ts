import { Heartbeat } from "../sync/heartbeat.ts";
import { ReportSyncer } from "../sync/report_syncer.ts";
import { binaryChecksum } from "./binary_checksum.ts";
import type { Downstream } from "./downstream.ts";
import type { NodeContext } from "./node_context.ts";

/** What tells the control plane about the node. */
export interface Upstream {
  readonly syncer: ReportSyncer;
  readonly heartbeat: Heartbeat;
}

/** Puts together what sends. */
export function buildUpstream(
  context: NodeContext,
  { reconciler }: Downstream,
): Upstream {
  const { config, store, uplink, client, degraded, contact, io } = context;
  const { nodeId } = context.identity;
  return {
    syncer: new ReportSyncer({
      reports: store.reports,
      ledger: store.syncLedger,
      uplink,
      debounceMs: config["node_api.debounce_period"],
      io,
    }),
    heartbeat: new Heartbeat({
      uplink: {
        heartbeat: (body, signal) => client.heartbeat(nodeId, body, signal),
      },
      nodeId,
      intervalMs: config["heartbeat.interval"],
      status: () => degraded.list().length === 0 ? "healthy" : "degraded",
      binaryChecksum,
      onReconcile: () => reconciler.trigger("heartbeat"),
      onAnswer: contact,
      io,
    }),
  };
}
