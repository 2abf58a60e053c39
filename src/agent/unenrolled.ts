import { NodeApi } from "../node_api/node_api.ts";
import { Watchers } from "../node_api/watch/watchers.ts";
import { runTogether } from "../platform/part.ts";
import { HealthKeeper } from "../sync/health_keeper.ts";
import { cacheCounts } from "./caches.ts";
import { healthStatus } from "./health.ts";
import { stateCounts } from "./local_api.ts";
import type { NodeContext } from "./node_context.ts";
import { nodeApiSettings } from "./node_api_settings.ts";
import { probeSocket } from "./probe_socket.ts";
import { statusDocument } from "./status.ts";
import { VitalSigns } from "./vital_signs.ts";
import { watchReports } from "./watch_disk.ts";

/** What is there before a node is enrolled. */
export type UnenrolledContext = Omit<
  NodeContext,
  "identity" | "uplink" | "tasks" | "exposed" | "contact" | "skew"
>;

/** Not a word of the control plane: nobody may be asked, and nobody answers. */
const FRESHNESS = { stale: true } as const;

/**
 * Runs what a node that is not enrolled can do: the local API says so, keeps
 * reports for later, and takes the requests of commands, joining above all.
 */
export async function runUnenrolled(
  context: UnenrolledContext,
  stop: AbortSignal,
): Promise<void> {
  const { config, store, degraded, disk, io, service } = context;
  const watchers = new Watchers({
    feed: context.changes,
    most: config["node_api.max_watchers"],
    clock: io.clock,
  });
  const sources = {
    ...statusSources(context, io.clock.now()),
    watchers: () => watchers.status,
  };
  const status = () => statusDocument(sources, FRESHNESS);
  const api = new NodeApi({
    state: store.state,
    reports: watchReports(store.reports, disk),
    watchers,
    status,
    reopened: (listener) =>
      store.transitions.note("reopened", { reason: listener }),
    events: () => ({
      events: store.transitions.entries,
      capacity: store.transitions.capacity,
    }),
    freshness: () => FRESHNESS,
    refusal: () => "not_enrolled",
    figures: () => context.storeFigures(),
    settings: nodeApiSettings(config),
    io,
  });
  service.present({
    ready: api.ready,
    status,
    vitalSigns: new VitalSigns({
      loops: [],
      probe: (signal) =>
        probeSocket(config["node_api.socket_path"], io.clock, signal),
      clock: io.clock,
    }),
    onChange: (listener) => degraded.onChange(listener),
  }, stop);
  api.ready.then(() => context.reload.works(() => 0), () => {
    // What runs the parts hears of it.
  });
  io.log.warn(
    'This node is not enrolled: put a one-time token into the file, or run "plexd join"',
    { token_file: config["registration.token_file"] },
  );
  const { record } = store.health;
  const keeper = new HealthKeeper({
    health: degraded,
    // What was heard before counts again if the former credentials come back.
    contact: () => record.contact,
    nodeId: record.nodeId ?? "",
    store: store.health,
    onFailure: disk.failed,
    io,
  });
  const parts = [api, keeper, context.requests.part(undefined)];
  await runTogether(context.snapshots.watch(parts, status), stop);
}

function statusSources(context: UnenrolledContext, sinceMs: number) {
  const { config, store, degraded, version, startedAtMs, io } = context;
  const none = { metrics: null, logs: null, audit: null };
  return {
    about: {
      version,
      startedAtMs,
      cluster: config.cluster,
      nodeId: "",
      meshIp: "",
      controlPlane: config["api.base_url"] ?? "",
    },
    reasons: () => degraded.list(),
    wellSinceMs: () => degraded.wellSinceMs,
    stream: () => ({ state: "not_enrolled", sinceMs }),
    lastEvent: () => store.transitions.entries.at(-1),
    credential: () => context.login.status(),
    carriers: () => ({ carrier_credentials: null }),
    events: () => ({ applied: 0, repeated: 0, byType: {}, rejected: {} }),
    skippedEvents: () => 0,
    pull: () => ({}),
    state: () => stateCounts(store),
    caches: () => cacheCounts(store, io.clock.now()),
    signedState: () => ({ snapshot: null, trust_bundle_version: null }),
    sync: () => {
      const { entries } = store.reports.view;
      const pending = store.syncLedger.pending(entries).entries.length;
      const synced = entries.size - pending;
      const reports = {
        ...{ pending, synced },
        ...{ refused: 0, suspended: 0, local_only: 0 },
      };
      return { pending, reports };
    },
    health: () => healthStatus(context, store.health.record.contact),
    self: () => ({
      identity: {
        membership_id: null,
        domain_id: null,
        node_name: null,
        domain_name: null,
        enrollment: "not_enrolled" as const,
        enrolled_at: null,
        seal_ref: null,
        client_certificate: null,
        revocations: 0,
      },
      resources: null,
      safe_until: null,
    }),
    tasks: () => ({
      actions_running: 0,
      results_unreported: store.executions.unreported.length,
      key_rotation: {
        last_at: null,
        pending_since: null,
        last_error: null,
        next_try_at: null,
      },
    }),
    telemetry: () => none,
  };
}
