import type { Config } from "../config/settings.ts";
import { runTogether } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { NodeApi } from "../node_api/node_api.ts";
import type { Membership } from "../store/membership.ts";
import { Degraded } from "../sync/degraded.ts";
import { Dispatcher } from "../sync/dispatcher.ts";
import { Heartbeat } from "../sync/heartbeat.ts";
import {
  nodeSecretsHandler,
  nodeStateHandler,
} from "../sync/node_state_handler.ts";
import { PulledKeys } from "../sync/pulled_keys.ts";
import { Reconciler } from "../sync/reconciler.ts";
import { ReportSyncer } from "../sync/report_syncer.ts";
import { signingKeyHandler } from "../sync/signing_key_handler.ts";
import { Keyring } from "../trust/keyring.ts";
import { ReplayWindow } from "../trust/replay_window.ts";
import { eventReader } from "../trust/event_reader.ts";
import { EventFeed } from "../uplink/event_feed.ts";
import { nodeSecretToKey } from "../wire/node_secret.ts";
import { binaryChecksum } from "./binary_checksum.ts";
import { ensureJoined } from "./join.ts";
import { nodeApiSettings } from "./node_api_settings.ts";
import { openStore } from "./open_store.ts";
import { openUplink } from "./open_uplink.ts";
import { freshnessOf, statusDocument, type StatusSources } from "./status.ts";
import { watchContact } from "./watch_contact.ts";
import { watchDisk, watchReports } from "./watch_disk.ts";

/** What {@linkcode runAgent} works with. */
export interface AgentOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly version: string;
  /** Aborts when the agent is to stop. */
  readonly stop: AbortSignal;
}

/**
 * Runs the agent until `stop` aborts: the one place where all parts meet.
 *
 * The order matters. The store is open and loaded, keys, nonces and handlers
 * are in place before the first byte comes from anywhere.
 *
 * @throws what keeps it from starting, or the failure of a part.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, io, version, stop } = options;
  const startedAtMs = io.clock.now();
  const degraded = new Degraded(io.clock, io.log);
  // What is wrong with the configuration must show before anything is written.
  const client = await openUplink(config, io, version);
  await using store = await openStore(config, io, version, ({ file, what }) => {
    const detail = `${file}: ${what}`;
    degraded.raise("corruption_recovered", { detail });
  });
  const identity = await ensureJoined(store, client, config, io, stop);
  client.setAuthToken(identity.nodeSecretKey);
  const { nodeId, domainId } = identity;

  const keyring = new Keyring(
    store.trust.load() ??
      {
        current: identity.signingPublicKey,
        retired: [],
        signedChange: false,
      },
  );
  const replayWindow = new ReplayWindow(store.events.nonces());
  const reader = eventReader(identity.dialect, {
    keyring,
    replayWindow,
    clock: io.clock,
  });
  const contact = watchContact(degraded);
  const disk = watchDisk(degraded);
  store.state.onChange(disk.wrote);
  store.reports.onChange(disk.wrote);

  const reconciler = new Reconciler({
    uplink: {
      fetchState: (signal) => client.fetchState(nodeId, signal),
      reportDrift: (report, signal) =>
        client.reportDrift(nodeId, report, signal),
    },
    state: store.state,
    keys: new PulledKeys({
      keyring,
      store: store.trust,
      allowed: config["trust.accept_keys_from_pull"] && !client.exposed,
      degraded,
      clock: io.clock,
    }),
    nodeId,
    intervalMs: config["reconcile.interval"],
    onPull(failure) {
      contact(failure);
      disk.failed(failure);
      if (failure === undefined) degraded.clear("corruption_recovered");
    },
    io,
  });
  const pull = (reason: string) => reconciler.trigger(reason);
  const stateHandling = {
    state: store.state,
    nodeId,
    lastIssuedMs: (type: string) => store.events.lastIssuedMs(type),
    pull,
    clock: io.clock,
  };
  const dispatcher = new Dispatcher({
    reader,
    ledger: store.events,
    handlers: new Map([
      ["node_state_updated", [nodeStateHandler(stateHandling)]],
      ["node_secrets_updated", [nodeSecretsHandler(stateHandling)]],
      ["signing_key_rotated", [
        signingKeyHandler({
          keyring,
          store: store.trust,
          nodeId,
          ...(domainId === undefined ? {} : { domainId }),
          clock: io.clock,
          log: io.log,
        }),
      ]],
    ]),
    pull,
    clock: io.clock,
    log: io.log,
  });
  const feed = new EventFeed({
    open: (lastEventId, signal) =>
      client.openEvents(nodeId, lastEventId, signal),
    pull: (signal) => reconciler.pullNow(signal),
    sink: dispatcher,
    cursor: () => store.events.cursor,
    resetCursor: () => store.events.resetCursor(),
    ...io,
    settings: {
      backoffBaseMs: config["stream.backoff_base"],
      backoffMaxMs: config["stream.backoff_max"],
      pollingAfterMs: config["stream.polling_after"],
      pollIntervalMs: config["stream.poll_interval"],
      reprobeIntervalMs: config["stream.reprobe_interval"],
      idleTimeoutMs: config["api.sse_idle_timeout"],
      maxEventBytes: config["stream.max_event_bytes"],
    },
  });
  const syncer = new ReportSyncer({
    reports: store.reports,
    ledger: store.syncLedger,
    uplink: {
      syncReports: (changes, signal) =>
        client.syncReports(nodeId, changes, signal),
    },
    debounceMs: config["node_api.debounce_period"],
    io,
  });
  const heartbeat = new Heartbeat({
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
  });

  const sources: StatusSources = {
    about: {
      version,
      startedAtMs,
      cluster: config.cluster,
      nodeId,
      meshIp: identity.meshIp,
      controlPlane: config["api.base_url"] ?? identity.controlPlane,
    },
    reasons: () => degraded.list(),
    stream: () => feed.status,
    events: () => dispatcher.status,
    skippedEvents: () => feed.skippedEvents,
    pull: () => reconciler.status,
    state: () => stateCounts(store),
    sync: () => ({ ...syncer.status, pending: syncer.pending }),
  };
  const freshness = () =>
    freshnessOf(
      {
        streaming: feed.status.state === "streaming",
        lastSuccessMs: reconciler.status.lastSuccessMs,
        lastAppliedMs: dispatcher.lastAppliedMs,
      },
      io.clock,
      config["reconcile.interval"],
    );
  const api = new NodeApi({
    state: store.state,
    reports: watchReports(store.reports, disk),
    secrets: {
      key: nodeSecretToKey(identity.nodeSecretKey),
      fetch: (key, signal) => client.fetchSecret(nodeId, key, signal),
    },
    status: () => statusDocument(sources, freshness()),
    freshness,
    settings: nodeApiSettings(config),
    io,
  });

  io.log.info("Agent started", { version, node_id: nodeId });
  await runTogether([api, feed, reconciler, syncer, heartbeat], stop);
  await dispatcher.drain();
  io.log.info("Agent stopped", { node_id: nodeId });
}

function stateCounts({ state, reports }: Membership) {
  const { metadata, data, secretRefs, position } = state.view;
  return {
    metadata: metadata.size,
    data: data.size,
    secrets: secretRefs.length,
    reports: reports.view.entries.size,
    epoch: position?.epoch ?? null,
    version: position?.version ?? null,
  };
}
