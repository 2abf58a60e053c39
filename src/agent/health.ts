import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { ContactTimes } from "../store/health_store.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { UpdateRecord } from "../store/update_store.ts";
import { HealthKeeper } from "../sync/health_keeper.ts";
import type { StatusDocument } from "../wire/status.ts";
import type { Downstream } from "./downstream.ts";
import type { NodeContext } from "./node_context.ts";
import type { SelfWatch } from "./self_watch.ts";
import { lacksHeartbeats } from "./watch_contact.ts";

/** When the control plane was last heard of, in this run or an earlier one. */
export interface ContactMemory {
  now(): ContactTimes;
  /** Takes how a heartbeat went: its failure, or `undefined`. */
  beat(failure: unknown): void;
  /** What the last heartbeat failed with; undefined where it did not. */
  readonly heartbeatError: string | undefined;
}

/**
 * Takes up the times of an earlier run. They count only for the same node, and
 * only while its state is as it was pulled.
 */
export function rememberContact(
  { store, identity, io }: Pick<NodeContext, "store" | "identity" | "io">,
  { reconciler, dispatcher }: Pick<Downstream, "reconciler" | "dispatcher">,
): ContactMemory {
  const former = formerContact(store, identity);
  let { lastHeartbeatMs } = former;
  let heartbeatError: string | undefined;
  return {
    beat(failure) {
      heartbeatError = failure === undefined || lacksHeartbeats(failure)
        ? undefined
        : describeError(failure);
      if (failure === undefined) lastHeartbeatMs = io.clock.now();
    },
    get heartbeatError() {
      return heartbeatError;
    },
    now() {
      const lastPullMs = reconciler.status.lastSuccessMs ?? former.lastPullMs;
      const lastEventMs = dispatcher.lastConfirmedMs ?? former.lastEventMs;
      return {
        ...(lastHeartbeatMs === undefined ? {} : { lastHeartbeatMs }),
        ...(lastPullMs === undefined ? {} : { lastPullMs }),
        ...(lastEventMs === undefined ? {} : { lastEventMs }),
      };
    },
  };
}

function formerContact(
  { health, state }: Membership,
  { nodeId }: Identity,
): ContactTimes {
  const isSame = health.record.nodeId === nodeId && state.view.complete;
  return isSame ? health.record.contact : {};
}

/** What keeps on disk how the agent is. */
export function buildHealthKeeper(
  { store, identity, degraded, disk, io }: NodeContext,
  contact: ContactMemory,
  self: SelfWatch,
): HealthKeeper {
  return new HealthKeeper({
    health: degraded,
    contact: () => contact.now(),
    nodeId: identity.nodeId,
    more: () => self.health(),
    store: store.health,
    onFailure: disk.failed,
    io,
  });
}

/** What the status tells of contact and of repairs. */
export function healthStatus(
  { store, agentState }: Pick<NodeContext, "store" | "agentState">,
  { lastHeartbeatMs, lastPullMs, lastEventMs }: ContactTimes,
  heartbeatError?: string,
): Pick<StatusDocument, "contact" | "store" | "agent" | "updates"> {
  const last = Math.max(...[lastHeartbeatMs, lastPullMs, lastEventMs]
    .filter((ms) => ms !== undefined));
  const { recoveries } = store.recoveries;
  return {
    contact: {
      last_heartbeat_at: lastHeartbeatMs === undefined
        ? null
        : isoTime(lastHeartbeatMs),
      last_contact_at: Number.isFinite(last) ? isoTime(last) : null,
      heartbeat_error: heartbeatError ?? null,
    },
    store: {
      recoveries: recoveries.length,
      last_recovery: recoveries.at(-1) ?? null,
      restored: store.restored.isPending,
    },
    agent: {
      install_id: agentState.installId,
      last_stop: agentState.lastStop ?? null,
      features: agentState.features,
      last_diagnostics: agentState.lastDiagnostics ?? null,
    },
    updates: updatesStatus(store.updates.record),
  };
}

function updatesStatus(
  { current, pending, canaryGroup, rollback, last }: UpdateRecord,
): StatusDocument["updates"] {
  return {
    current_since: current?.since ?? null,
    pending: pending
      ? { version: pending.artifact.version, since: pending.since }
      : null,
    canary_group: canaryGroup ?? null,
    rollback_version: rollback?.version ?? null,
    last: last ?? null,
  };
}
