import type { DegradedReason } from "../wire/status.ts";
import type { ReportSyncer } from "../sync/report_syncer.ts";
import type { NodeContext } from "./node_context.ts";

/** With any of these, a call would only take time. */
const IN_VAIN: readonly DegradedReason[] = [
  "control_plane_unreachable",
  "unauthorized",
];

/**
 * Sends the reports that nobody has had time to send, before the agent ends:
 * for as long as answers under way had.
 */
export async function flushReports(
  { config, degraded, io }: Pick<NodeContext, "config" | "degraded" | "io">,
  syncer: Pick<ReportSyncer, "flush">,
): Promise<void> {
  if (degraded.list().some(({ reason }) => IN_VAIN.includes(reason))) return;
  const over = new AbortController();
  const done = new AbortController();
  const limit = io.clock
    .sleep(config["node_api.shutdown_timeout"], done.signal)
    .then(() => over.abort(new Error("The agent has to end")))
    .catch(() => {});
  await syncer.flush(over.signal);
  done.abort();
  await limit;
}
