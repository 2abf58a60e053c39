import type { LinkState } from "../../uplink/link.ts";
import type { MetricFamily, Sample } from "../../wire/prometheus.ts";
import {
  DEGRADED_REASONS,
  type StatusDocument,
  type TelemetryCounts,
} from "../../wire/status.ts";
import type { Carrier } from "../../wire/transitions.ts";

/** A time as the status has it: RFC 3339 text, or null for "not yet". */
type Time = string | null;

/**
 * What the status document tells in figures, so that whatever an operator sees
 * in `plexd status` can be alerted on as well. What is not known has no sample:
 * a 0 would be a claim.
 */
export function statusFamilies(status: StatusDocument): MetricFamily[] {
  return [
    ...aboutFamilies(status),
    ...contactFamilies(status),
    ...eventFamilies(status),
    ...stateFamilies(status),
    ...workFamilies(status),
    ...resourceFamilies(status),
  ];
}

function aboutFamilies(status: StatusDocument): MetricFamily[] {
  const raised = new Set(status.reasons.map(({ reason }) => reason));
  return [
    gauge("plexd_build_info", "The program that answers.", [{
      labels: { version: status.version },
      value: 1,
    }]),
    gauge(
      "plexd_start_time_seconds",
      "When the agent started, since the Unix epoch.",
      at(status.started_at),
    ),
    gauge(
      "plexd_degraded",
      "Whether anything is wrong with the agent.",
      flag(status.status === "degraded"),
    ),
    gauge(
      "plexd_degraded_reason",
      "What is wrong: 1 for each reason that holds.",
      oneFor(DEGRADED_REASONS, "reason", (reason) => raised.has(reason)),
    ),
  ];
}

/** All that a stream can be; a compiler's error where one is missing. */
const STREAM_STATES = Object.keys(
  {
    connecting: true,
    streaming: true,
    waiting: true,
    polling: true,
    pull_only: true,
    refused: true,
  } satisfies Record<LinkState, true>,
);

const CHECKS = ["unknown", "ok", "invalid"] as const;

const CARRIERS: readonly Carrier[] = ["sse", "nats", "pull"];

function contactFamilies(
  status: StatusDocument,
): MetricFamily[] {
  const { stale, verified_at, stream, pull, contact } = status;
  const { client_certificate } = status.identity;
  const { carrier, carrier_credentials, credential } = status;
  return [
    gauge(
      "plexd_state_stale",
      "Whether the served state may be out of date: no stream, and no pull " +
        "for twice the reconcile interval.",
      flag(stale),
    ),
    gauge(
      "plexd_state_verified_timestamp_seconds",
      "When the control plane last confirmed the served state.",
      at(verified_at),
    ),
    gauge(
      "plexd_stream_state",
      "Where the event stream stands: 1 for the state it is in.",
      oneFor(STREAM_STATES, "state", (state) => state === stream.state),
    ),
    gauge(
      "plexd_carrier",
      "What brings events: 1 for the one that does; pull: nothing does.",
      carrier
        ? oneFor(CARRIERS, "carrier", (one) => one === carrier.active)
        : [],
    ),
    counter(
      "plexd_bus_messages_refused_total",
      "Messages of the message bus that were refused for good.",
      maybe(carrier?.nats?.refused),
    ),
    gauge(
      "plexd_bus_credentials_expiry_timestamp_seconds",
      "Until when the credentials of the message bus are valid.",
      at(carrier_credentials?.expires_at ?? null),
    ),
    gauge(
      "plexd_stream_down_since_timestamp_seconds",
      "Since when no event stream is open; absent while one is.",
      at(stream.down_since),
    ),
    gauge(
      "plexd_last_pull_timestamp_seconds",
      "Last successful pull of the whole state.",
      at(pull.last_success_at),
    ),
    gauge(
      "plexd_last_contact_timestamp_seconds",
      "Last answer of the control plane.",
      at(contact.last_contact_at),
    ),
    gauge(
      "plexd_last_heartbeat_timestamp_seconds",
      "Last heartbeat that was answered.",
      at(contact.last_heartbeat_at),
    ),
    gauge(
      "plexd_credential_check",
      "Whether the control plane takes the node's credentials: 1 for what its " +
        "last answer said.",
      credential
        ? oneFor(CHECKS, "check", (check) => check === credential.check)
        : [],
    ),
    gauge(
      "plexd_client_certificate_expiry_timestamp_seconds",
      "Until when the client certificate is valid.",
      at(client_certificate?.not_after ?? null),
    ),
  ];
}

function eventFamilies({ events }: StatusDocument): MetricFamily[] {
  const rejected = Object.entries(events.rejected);
  const refusals = rejected.reduce((sum, [, count]) => sum + count, 0);
  return [
    counter(
      "plexd_events_total",
      "Events of the control plane by outcome; repeated: what they bring " +
        "was here already.",
      [
        { labels: { outcome: "applied" }, value: events.applied },
        { labels: { outcome: "repeated" }, value: events.repeated },
        { labels: { outcome: "rejected" }, value: refusals },
      ],
    ),
    counter(
      "plexd_events_verified_total",
      "Events that were verified, by type.",
      byLabel("type", Object.entries(events.by_type)),
    ),
    counter(
      "plexd_events_rejected_total",
      "Events that were refused, by reason.",
      byLabel("reason", rejected),
    ),
    gauge(
      "plexd_last_event_timestamp_seconds",
      "Last event that was applied.",
      at(events.last_applied_at),
    ),
  ];
}

function stateFamilies(
  { state, signed_state, caches }: StatusDocument,
): MetricFamily[] {
  const { snapshot } = signed_state;
  return [
    gauge(
      "plexd_state_entries",
      "Entries of the served state, by kind.",
      byLabel("kind", [
        ["metadata", state.metadata],
        ["data", state.data],
        ["secret", state.secrets],
        ["report", state.reports],
      ]),
    ),
    gauge(
      "plexd_state_epoch",
      "Epoch of the served state, where the control plane counts them.",
      maybe(state.epoch),
    ),
    gauge(
      "plexd_state_version",
      "Version of the served state within its epoch.",
      maybe(state.version),
    ),
    gauge(
      "plexd_snapshot_epoch",
      "Epoch of the active signed snapshot.",
      maybe(snapshot?.epoch),
    ),
    gauge(
      "plexd_snapshot_version",
      "Version of the active signed snapshot.",
      maybe(snapshot?.version),
    ),
    gauge(
      "plexd_snapshot_expiry_timestamp_seconds",
      "Until when the active signed snapshot is valid.",
      at(snapshot?.expires_at ?? null),
    ),
    gauge(
      "plexd_snapshot_refresh_due_timestamp_seconds",
      "From when on a newer signed snapshot is asked for.",
      at(snapshot?.refresh_due_at ?? null),
    ),
    gauge(
      "plexd_cache_entries",
      "What is known of the mesh, by cache.",
      byLabel("cache", [
        ["peers", caches.peers],
        ["routes", caches.routes],
        ["services", caches.services],
      ]),
    ),
  ];
}

function workFamilies(
  { sync, store, tasks, telemetry, watchers }: StatusDocument,
): MetricFamily[] {
  const kinds = Object.entries(telemetry).flatMap(([kind, counts]) =>
    counts ? [[kind, counts] as [string, TelemetryCounts]] : []
  );
  return [
    gauge(
      "plexd_sync_pending_reports",
      "Report changes that the control plane does not have yet.",
      maybe(sync.pending),
    ),
    gauge(
      "plexd_sync_reports",
      "Reports by how far they are on their way to the control plane.",
      byLabel("state", Object.entries(sync.reports ?? {})),
    ),
    gauge(
      "plexd_sync_last_success_timestamp_seconds",
      "When reports last reached the control plane.",
      at(sync.last_success_at),
    ),
    gauge(
      "plexd_store_recoveries",
      "Repairs of the store that are remembered, also of earlier runs.",
      maybe(store.recoveries),
    ),
    gauge(
      "plexd_store_restored",
      "Whether the store comes from a backup and waits to be confirmed.",
      flag(store.restored),
    ),
    gauge(
      "plexd_actions_running",
      "Actions that run now.",
      maybe(tasks.actions_running),
    ),
    gauge(
      "plexd_action_results_unreported",
      "Results of actions that the control plane does not have yet.",
      maybe(tasks.results_unreported),
    ),
    counter(
      "plexd_telemetry_records_total",
      "Records of telemetry by kind and outcome.",
      kinds.flatMap(([kind, { sent, dropped }]) => [
        { labels: { kind, outcome: "sent" }, value: sent },
        { labels: { kind, outcome: "dropped" }, value: dropped },
      ]),
    ),
    gauge(
      "plexd_telemetry_buffered_records",
      "Records of telemetry that wait to be sent, by kind.",
      kinds.map(([kind, { buffered }]) => ({
        labels: { kind },
        value: buffered,
      })),
    ),
    gauge(
      "plexd_watchers",
      "Readers of changes that are connected.",
      maybe(watchers.open),
    ),
    counter(
      "plexd_watchers_ended_total",
      "Readers of changes that the agent did not serve on; dropped: did not " +
        "read, refused: there were too many.",
      byLabel("reason", [
        ["dropped", watchers.dropped],
        ["refused", watchers.refused],
      ]),
    ),
  ];
}

/** As of the last look, which is a minute old at most. */
function resourceFamilies({ resources }: StatusDocument): MetricFamily[] {
  const { disk, descriptors } = resources ?? {};
  return [
    gauge(
      "plexd_descriptors_limit",
      "Descriptors that may be open.",
      maybe(descriptors?.limit),
    ),
    gauge(
      "plexd_data_disk_free_bytes",
      "Space left on the disk with the data folder.",
      maybe(disk?.free_bytes),
    ),
    gauge(
      "plexd_data_disk_size_bytes",
      "Size of the disk with the data folder.",
      maybe(disk?.total_bytes),
    ),
  ];
}

function gauge(
  name: string,
  help: string,
  samples: readonly Sample[],
): MetricFamily {
  return { name, help, type: "gauge", samples };
}

function counter(
  name: string,
  help: string,
  samples: readonly Sample[],
): MetricFamily {
  return { name, help, type: "counter", samples };
}

function flag(holds: boolean): Sample[] {
  return [{ value: holds ? 1 : 0 }];
}

function maybe(value: number | null | undefined): Sample[] {
  return value === null || value === undefined ? [] : [{ value }];
}

function at(time: Time): Sample[] {
  return time === null ? [] : [{ value: Date.parse(time) / 1_000 }];
}

function oneFor<Name extends string>(
  names: readonly Name[],
  label: string,
  holds: (name: Name) => boolean,
): Sample[] {
  return names.map((name) => ({
    labels: { [label]: name },
    value: holds(name) ? 1 : 0,
  }));
}

function byLabel(
  label: string,
  counts: readonly (readonly [string, number])[],
): Sample[] {
  return counts.map(([name, value]) => ({ labels: { [label]: name }, value }));
}
