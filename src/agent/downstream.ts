import { Dispatcher } from "../sync/dispatcher.ts";
import { PulledKeys } from "../sync/pulled_keys.ts";
import { Reconciler } from "../sync/reconciler.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import { eventReader } from "../trust/event_reader.ts";
import { Keyring } from "../trust/keyring.ts";
import { ReplayWindow } from "../trust/replay_window.ts";
import { EventFeed } from "../uplink/event_feed.ts";
import { buildCarriers, type Carriers, type Feed } from "./carriers.ts";
import { eventRefusedRecord } from "./audit_records.ts";
import { eventHandlers } from "./event_handlers.ts";
import type { NodeContext } from "./node_context.ts";
import { confirmRestored } from "./restored.ts";
import { buildSignedStates, type SignedStates } from "./signed_states.ts";
import { linkTransitions } from "./transitions.ts";
import { watchEquivocation } from "./watch_equivocation.ts";

/** What brings the control plane's will to the node. */
export interface Downstream {
  readonly reconciler: Reconciler;
  readonly dispatcher: Dispatcher;
  readonly feed: Feed;
  readonly carriers: Carriers;
  readonly signed: SignedStates;
}

/**
 * Puts together what pulls, receives, verifies and applies. Keys, nonces and
 * handlers are in place when this returns, before the first byte comes.
 *
 * @param active The signed snapshot that the state was built from.
 */
export function buildDownstream(
  context: NodeContext,
  active: SnapshotRef | undefined,
): Downstream {
  const { config, store, identity, uplink, io } = context;
  const keyring = keyringOf(context);
  const pull = (reason: string) => reconciler.trigger(reason);
  const signed = buildSignedStates(context, { keyring, active, pull });
  const reconciler = buildReconciler(context, keyring, signed);
  const dispatcher = new Dispatcher({
    reader: eventReader(identity.dialect, {
      keyring,
      replayWindow: new ReplayWindow(store.events.nonces()),
      clock: io.clock,
    }),
    ledger: store.events,
    ...eventHandlers(context, { keyring, pull }),
    pull,
    isPullOwed: () => reconciler.isOwed,
    onNotStored: (error) => stream.notStored(error),
    onRefused: (reason, count) =>
      context.intake.record(eventRefusedRecord(reason, count)),
    ...io,
  });
  const link = linkTransitions(store.transitions);
  const stream = new EventFeed({
    dialect: identity.dialect,
    open: (lastEventId, signal) => uplink.openEvents(lastEventId, signal),
    pull: (signal) => reconciler.pullNow(signal),
    sink: dispatcher,
    drain: () => dispatcher.drain(),
    cursor: () => store.events.cursor,
    resetCursor: () => store.events.resetCursor(),
    onAttempt: (failure) => context.contact.heard("stream", failure),
    onState: link.onState,
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
  const needs = { stream, link, reconciler, dispatcher };
  const carriers = buildCarriers(context, needs);
  return { reconciler, dispatcher, feed: carriers.feed, carriers, signed };
}

/** The keys that were trusted last, or those of the registration. */
function keyringOf({ store, identity }: NodeContext): Keyring {
  const { signingPublicKey, signingKeyId } = identity;
  return new Keyring(
    store.trust.load() ?? {
      current: signingPublicKey,
      ...(signingKeyId === undefined ? {} : { currentId: signingKeyId }),
      retired: [],
      signedChange: false,
    },
  );
}

function buildReconciler(
  context: NodeContext,
  keyring: Keyring,
  { source }: SignedStates,
): Reconciler {
  const { config, store, identity, uplink, degraded, io } = context;
  const position = () => store.state.view.position;
  const equivocation = watchEquivocation(degraded, position, store.marks);
  return new Reconciler({
    uplink: {
      fetchState: (signal) => source.fetchState(signal),
      reportDrift: (report, signal) => uplink.reportDrift(report, signal),
    },
    state: store.state,
    keys: new PulledKeys({
      keyring,
      store: store.trust,
      allowed: config["trust.accept_keys_from_pull"] && !context.exposed,
      degraded,
      clock: io.clock,
    }),
    onExecutions: (requests) => context.tasks.offerPulled(requests),
    nodeId: identity.nodeId,
    intervalMs: config["reconcile.interval"],
    onPull(failure) {
      context.contact.heard("pull", failure);
      equivocation(failure);
      context.disk.failed(failure);
      if (failure === undefined) {
        degraded.clear("corruption_recovered");
        confirmRestored(store.restored, io.log);
      }
    },
    io,
  });
}
