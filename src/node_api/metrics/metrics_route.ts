import { processFigures } from "../../platform/process_figures.ts";
import {
  type MetricFamily,
  METRICS_MEDIA_TYPE,
  metricsText,
  type Sample,
} from "../../wire/prometheus.ts";
import type { StatusDocument } from "../../wire/status.ts";
import type { Route } from "../router.ts";
import type { OpenListeners } from "../health/open_listeners.ts";
import type { Counts } from "./counters.ts";
import type { RequestCounts } from "./request_counts.ts";
import { statusFamilies } from "./status_families.ts";

/** What `/metrics` tells. */
export interface MetricsSources {
  status(): StatusDocument;
  /** Figures of parts beside the local API. */
  figures(): readonly MetricFamily[];
  readonly requests: RequestCounts;
  readonly listeners: Pick<OpenListeners, "reopened" | "connections">;
  /** What the guard of TCP has turned away, by reason. */
  readonly refusals: Counts;
}

/**
 * `GET /metrics`, in the text form of Prometheus whatever is asked for: every
 * scraper reads it. No label has a value that workloads or peers choose.
 */
export function metricsRoute(sources: MetricsSources): Route {
  return ["/metrics", {
    GET: () =>
      new Response(metricsText(familiesOf(sources)), {
        headers: {
          "content-type": METRICS_MEDIA_TYPE,
          "cache-control": "no-store",
        },
      }),
  }];
}

function familiesOf(sources: MetricsSources): MetricFamily[] {
  const { resident_bytes, open_descriptors } = processFigures();
  const families: MetricFamily[] = [
    ...statusFamilies(sources.status()),
    ...sources.requests.families,
    {
      name: "plexd_local_api_listener_reopened_total",
      help: "How often a listener was opened again after it had failed.",
      type: "counter",
      samples: byListener(sources.listeners.reopened),
    },
    {
      name: "plexd_local_api_connections",
      help: "Connections that are open, of listeners that know.",
      type: "gauge",
      samples: byListener(sources.listeners.connections),
    },
    sources.refusals.family,
    ...sources.figures(),
    {
      name: "plexd_resident_memory_bytes",
      help: "Memory of the process.",
      type: "gauge",
      samples: [{ value: resident_bytes }],
    },
    {
      name: "plexd_open_descriptors",
      help: "Descriptors that are open.",
      type: "gauge",
      samples: open_descriptors === null ? [] : [{ value: open_descriptors }],
    },
  ];
  // A family without samples says nothing.
  return families.filter(({ samples }) => samples.length > 0);
}

function byListener(counts: ReadonlyMap<string, number>): Sample[] {
  return [...counts].map(([listener, value]) => ({
    labels: { listener },
    value,
  }));
}
