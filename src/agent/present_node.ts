import type { NodeApi } from "../node_api/node_api.ts";
import type { Downstream } from "./downstream.ts";
import type { NodeStatus } from "./local_api.ts";
import type { NodeContext } from "./node_context.ts";
import { probeSocket } from "./probe_socket.ts";
import type { PresentNode } from "./service_link.ts";
import type { Upstream } from "./upstream.ts";
import { VitalSigns, type WatchedLoop } from "./vital_signs.ts";

/** The parts that show whether a node is alive. */
export interface PresentParts {
  readonly api: Pick<NodeApi, "ready">;
  readonly downstream: Pick<Downstream, "feed" | "reconciler">;
  readonly upstream: Pick<Upstream, "heartbeat">;
  readonly status: NodeStatus;
}

/** What the service manager is told of a node. */
export function presentNode(
  { config, degraded, io }: Pick<NodeContext, "config" | "degraded" | "io">,
  { api, downstream, upstream, status }: PresentParts,
): PresentNode {
  const { feed, reconciler } = downstream;
  const { heartbeat } = upstream;
  const { clock } = io;
  const loops: WatchedLoop[] = [
    {
      name: "event_feed",
      progress: () => feed.status,
      // An open stream may be silent for days; its own limit is for that.
      nextMs: () =>
        feed.status.state === "streaming"
          ? undefined
          : feed.status.nextTryMs ?? clock.elapsed(),
    },
    {
      name: "reconciler",
      progress: () => reconciler.status,
      nextMs: () => reconciler.status.nextMs ?? clock.elapsed(),
    },
    {
      name: "heartbeat",
      progress: () => heartbeat.status,
      nextMs: () => heartbeat.status.nextMs ?? clock.elapsed(),
    },
  ];
  return {
    ready: api.ready,
    status: () => status.document(),
    vitalSigns: new VitalSigns({
      loops,
      probe: (signal) =>
        probeSocket(config["node_api.socket_path"], clock, signal),
      clock,
    }),
    onChange: (listener) => degraded.onChange(listener),
  };
}
