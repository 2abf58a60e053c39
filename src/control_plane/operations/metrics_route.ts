import {
  type MetricFamily,
  METRICS_MEDIA_TYPE,
  metricsText,
} from "../../wire/prometheus.ts";
import type { AdminRoute } from "../admin_routes/admin_route.ts";
import type { Services } from "../services.ts";
import type { CallCounts } from "./call_counts.ts";

/** Where Prometheus looks. */
export const METRICS_PATH = "/metrics";

/**
 * `GET /metrics`, with an operator's token that may read: how many nodes there
 * are and what they do is nobody else's business.
 */
export function metricsRoute(
  services: Services,
  calls: CallCounts,
): AdminRoute {
  const startedAtMs = services.io.clock.now();
  return {
    method: "GET",
    path: METRICS_PATH,
    async handle() {
      const families = [
        ...ownFamilies(services, startedAtMs),
        ...await storedFamilies(services),
        ...messageBusFamilies(services),
        ...calls.families,
      ];
      return new Response(metricsText(families), {
        headers: {
          "content-type": METRICS_MEDIA_TYPE,
          "cache-control": "no-store",
        },
      });
    },
  };
}

function ownFamilies(
  { version, streams, auditLog }: Services,
  startedAtMs: number,
): MetricFamily[] {
  return [
    {
      name: "plexd_control_plane_build_info",
      help: "The program that answers.",
      type: "gauge",
      samples: [{ labels: { version }, value: 1 }],
    },
    {
      name: "plexd_control_plane_start_time_seconds",
      help: "When it started, since the Unix epoch.",
      type: "gauge",
      samples: [{ value: startedAtMs / 1_000 }],
    },
    {
      name: "plexd_control_plane_event_streams",
      help: "Event streams that are open.",
      type: "gauge",
      samples: [{ value: streams.count }],
    },
    {
      name: "plexd_control_plane_event_streams_ended_total",
      help: "Event streams that have ended, by reason.",
      type: "counter",
      samples: [...streams.ended].map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
    },
    {
      name: "plexd_control_plane_audit_rows_total",
      help: "Audited calls of nodes, by name and outcome.",
      type: "counter",
      samples: auditLog.outcomes.map(({ relation, outcome, count }) => ({
        labels: { relation, outcome },
        value: count,
      })),
    },
    {
      name: "plexd_control_plane_audit_rows_lost_total",
      help: "Audit rows that could not be kept.",
      type: "counter",
      samples: [{ value: auditLog.lost }],
    },
  ];
}

function messageBusFamilies({ messageBus }: Services): MetricFamily[] {
  if (!messageBus) return [];
  const { state, readers, counts, sequence } = messageBus;
  const prefix = "plexd_control_plane_message_bus";
  const one = (
    name: string,
    type: MetricFamily["type"],
    help: string,
    value: number,
  ) => ({ name: `${prefix}_${name}`, help, type, samples: [{ value }] });
  return [
    one(
      "connected",
      "gauge",
      "Whether the message bus is there.",
      state === "connected" ? 1 : 0,
    ),
    one("readers", "gauge", "Nodes that read from it.", readers),
    one(
      "position",
      "gauge",
      "Event that the publisher has come to, of plexd_control_plane_events_total.",
      sequence ?? 0,
    ),
    one(
      "published_total",
      "counter",
      "Messages that the bus has taken; one event can be many.",
      counts.published,
    ),
    one(
      "skipped_total",
      "counter",
      "Events that were too old when the bus came back.",
      counts.skipped,
    ),
    one(
      "too_large_total",
      "counter",
      "Messages that were too large for the server.",
      counts.tooLarge,
    ),
    one(
      "credentials_total",
      "counter",
      "Credentials that nodes were given.",
      counts.issued,
    ),
  ];
}

async function storedFamilies({ storage }: Services): Promise<MetricFamily[]> {
  const { nodes, sequence } = await storage.read(async (rows) => ({
    nodes: await rows.nodes.countByReachability(),
    sequence: await rows.events.lastSequence(),
  }));
  return [
    {
      name: "plexd_control_plane_nodes",
      help: "Nodes by whether they are heard of; new: not yet evaluated.",
      type: "gauge",
      samples: [...nodes].map(([state, value]) => ({
        labels: { reachability: state === "" ? "new" : state },
        value,
      })),
    },
    {
      name: "plexd_control_plane_events_total",
      help: "Events that were ever made.",
      type: "counter",
      samples: [{ value: sequence }],
    },
  ];
}
