import { NodeApi } from "../node_api/node_api.ts";
import { SecretUnavailableError } from "../node_api/secret_unavailable.ts";
import type { Watchers } from "../node_api/watch/watchers.ts";
import { isoTime, wallTimeOf } from "../platform/clock.ts";
import type { Membership } from "../store/membership.ts";
import type { SecretResponse } from "../wire/bodies.ts";
import { nodeSecretToKey } from "../wire/node_secret.ts";
import type { StatusDocument } from "../wire/status.ts";
import type { Downstream } from "./downstream.ts";
import { cacheCounts } from "./caches.ts";
import { type ContactMemory, healthStatus } from "./health.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { nodeApiSettings } from "./node_api_settings.ts";
import type { NodeContext } from "./node_context.ts";
import {
  type Freshness,
  freshnessOf,
  statusDocument,
  type StatusSources,
} from "./status.ts";
import { secretIndex } from "./secret_index.ts";
import type { SelfWatch } from "./self_watch.ts";
import type { SignedStates } from "./signed_states.ts";
import type { Upstream } from "./upstream.ts";
import { watchReports } from "./watch_disk.ts";

/** How the node is, and how far its state can be relied on. */
export interface NodeStatus {
  freshness(): Freshness;
  document(): StatusDocument;
}

/** Puts together what all parts tell about themselves. */
export function buildStatus(
  context: NodeContext,
  downstream: Downstream,
  upstream: Upstream,
  memory: ContactMemory,
  self: SelfWatch,
  watchers: Watchers,
): NodeStatus {
  const { config, io } = context;
  const { feed, reconciler } = downstream;
  const sources = {
    ...statusSources(context, downstream, upstream, memory),
    self: () => self.status(),
    watchers: () => watchers.status,
  };
  const freshness = () => {
    const { lastPullMs, lastEventMs } = memory.now();
    return freshnessOf(
      {
        streaming: feed.status.state === "streaming",
        lastSuccessMs: lastPullMs,
        sinceSuccessMs: reconciler.sinceSuccessMs,
        lastEventMs,
      },
      io.clock,
      config["reconcile.interval"],
    );
  };
  return {
    freshness,
    document: () => statusDocument(sources, freshness()),
  };
}

/** Puts together what serves the node's workloads. */
export function buildLocalApi(
  context: NodeContext,
  downstream: Downstream,
  { syncer }: Upstream,
  status: NodeStatus,
  watchers: Watchers,
): NodeApi {
  const { config, store, identity, io } = context;
  const index = secretIndex(store, identity.dialect);
  return new NodeApi({
    state: index.state,
    reports: watchReports(store.reports, context.disk),
    sync: syncer,
    secrets: {
      key: nodeSecretToKey(identity.nodeSecretKey),
      fetch: (key, signal) =>
        index.asked(key, fetchSecret(context, key, signal)),
    },
    secretRead: (read) => context.intake.secretReads?.note(read),
    status: () => status.document(),
    probe: () => context.login.probe(),
    reopened: (listener) =>
      store.transitions.note("reopened", { reason: listener }),
    events: () => ({
      events: store.transitions.entries,
      capacity: store.transitions.capacity,
    }),
    descriptors: () => openDescriptors(context.kernel),
    beforeSecret: (signal) => downstream.carriers.refreshIfDue(signal),
    watchers,
    figures: () => context.storeFigures(),
    freshness: () => status.freshness(),
    refusal: () => {
      const { isExpired } = downstream.signed.lifetime;
      const refuse = config["trust.on_expiry"] === "refuse";
      return refuse && isExpired ? "snapshot_expired" : undefined;
    },
    settings: nodeApiSettings(config),
    io,
  });
}

/**
 * Who tells two things under one number may not hand out secrets either, and a
 * node that was restored may not be the one any more that they are for.
 */
async function fetchSecret(
  { uplink, degraded, store }: NodeContext,
  key: string,
  signal: AbortSignal,
): Promise<SecretResponse> {
  if (store.restored.isPending) {
    throw new SecretUnavailableError("restore_unconfirmed");
  }
  if (degraded.list().some(({ reason }) => reason === "equivocation")) {
    throw new SecretUnavailableError("equivocation");
  }
  return await uplink.fetchSecret(key, signal);
}

function statusSources(
  context: NodeContext,
  { feed, reconciler, dispatcher, signed, carriers }: Downstream,
  { syncer, telemetry }: Upstream,
  memory: ContactMemory,
): Omit<StatusSources, "self" | "watchers"> {
  const { config, store, identity, degraded, version, startedAtMs } = context;
  const wallTime = (ms: number | undefined) =>
    ms === undefined ? undefined : wallTimeOf(ms, context.io.clock);
  return {
    about: {
      version,
      startedAtMs,
      cluster: config.cluster,
      nodeId: identity.nodeId,
      meshIp: identity.meshIp,
      controlPlane: config["api.base_url"] ?? identity.controlPlane,
    },
    reasons: () => degraded.list(),
    wellSinceMs: () => degraded.wellSinceMs,
    stream: () => ({
      ...feed.status,
      nextTryMs: wallTime(feed.status.nextTryMs),
    }),
    lastEvent: () => store.transitions.entries.at(-1),
    credential: () => context.login.status(),
    carriers: () => carriers.status(),
    events: () => dispatcher.status,
    skippedEvents: () => feed.skippedEvents,
    pull: () => ({
      ...reconciler.status,
      nextMs: wallTime(reconciler.status.nextMs),
    }),
    state: () => stateCounts(store),
    caches: () => cacheCounts(store, context.io.clock.now()),
    signedState: () => signedState(signed),
    sync: () => ({
      ...syncer.status,
      pending: syncer.pending,
      reports: syncer.counts,
    }),
    health: () => healthStatus(context, memory.now(), memory.heartbeatError),
    tasks: () => context.tasks.status(),
    telemetry: () => telemetry.status(),
  };
}

function signedState(
  { lifetime, bundles }: SignedStates,
): StatusDocument["signed_state"] {
  const { active, refreshDueMs } = lifetime;
  return {
    snapshot: active && refreshDueMs !== undefined
      ? {
        epoch: active.epoch,
        version: active.version,
        expires_at: isoTime(active.expiresAtMs),
        refresh_due_at: isoTime(refreshDueMs),
        activated_at: isoTime(active.activatedAtMs),
        key_id: active.keyId ?? null,
      }
      : null,
    trust_bundle_version: bundles.version ?? null,
  };
}

/** How much there is of everything that is served. */
export function stateCounts(
  { state, reports, secretNames }: Pick<
    Membership,
    "state" | "reports" | "secretNames"
  >,
): StatusDocument["state"] {
  const { metadata, data, secretRefs, position } = state.view;
  return {
    metadata: metadata.size,
    data: data.size,
    // Without an index: those that are known.
    secrets: secretRefs.length || secretNames.refs.length,
    reports: reports.view.entries.size,
    epoch: position?.epoch ?? null,
    version: position?.version ?? null,
  };
}
