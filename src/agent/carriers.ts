import { type Clock, isoTime, wallTimeOf } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";
import type { Dispatcher } from "../sync/dispatcher.ts";
import type { Reconciler } from "../sync/reconciler.ts";
import { CarrierFeed } from "../uplink/carrier_feed.ts";
import type { EventFeed, FeedStatus } from "../uplink/event_feed.ts";
import { NatsSession } from "../uplink/nats/nats_session.ts";
import { RefreshLoop, type RefreshNews } from "../uplink/refresh_loop.ts";
import type { StatusDocument } from "../wire/status.ts";
import type { NodeContext } from "./node_context.ts";
import { busTransitions, type LinkTransitions } from "./transitions.ts";

/** What brings events, whatever that is at the moment. */
export interface Feed {
  readonly status: FeedStatus;
  readonly skippedEvents: number;
}

/** The ways on which events come. */
export interface Carriers {
  readonly feed: Feed;
  readonly parts: readonly Part[];
  /** Renews credentials that are about to expire. */
  refreshIfDue(signal: AbortSignal): Promise<void>;
  /** The machine was asleep: what was open is opened anew. */
  woke(signal: AbortSignal): Promise<void>;
  /** A stream that waits for its next try is tried now; an open one stays. */
  tryStream(): void;
  status(): Pick<StatusDocument, "carrier" | "carrier_credentials">;
}

/** What carriers bring events to. */
export interface CarrierNeeds {
  readonly stream: EventFeed;
  readonly link: LinkTransitions;
  readonly reconciler: Reconciler;
  readonly dispatcher: Dispatcher;
}

/** How long a wake waits for credentials that are due. */
const WAKE_LIMIT_MS = 3_000;

/** Puts together what brings events: the stream alone, or the bus before it. */
export function buildCarriers(
  context: NodeContext,
  needs: CarrierNeeds,
): Carriers {
  return context.config.transport === "sse"
    ? streamAlone(needs)
    : withBus(context, needs);
}

function streamAlone({ stream, link }: CarrierNeeds): Carriers {
  return {
    feed: stream,
    parts: [link.closing(stream)],
    refreshIfDue: () => Promise.resolve(),
    woke() {
      stream.reconnect();
      return Promise.resolve();
    },
    tryStream: () => tryNow(stream),
    status: () => ({
      carrier: { active: activeOf(stream), transport: "sse" },
      carrier_credentials: null,
    }),
  };
}

function withBus(context: NodeContext, needs: CarrierNeeds): Carriers {
  const { config, store, io } = context;
  const { stream, link, reconciler, dispatcher } = needs;
  const transitions = busTransitions(store.transitions);
  const refresh = buildRefresh(context);
  const streamPart = link.closing(stream);
  const feed = new CarrierFeed({
    stream: {
      name: stream.name,
      run: (signal) => streamPart.run(signal),
      get status() {
        return stream.status;
      },
      reconnect: () => stream.reconnect(),
    },
    credentials: refresh,
    open: opener(context, dispatcher),
    pull: (signal) => reconciler.pullNow(signal),
    drain: () => dispatcher.drain(),
    onState(state, status) {
      transitions.onState(state, status);
      // What the stream was refused with is over where the bus brings events.
      if (state === "feeding") context.contact.heard("stream", undefined);
      if (state === "waiting" && config.transport === "nats") {
        io.log.warn("transport is nats, but events do not come by the bus", {
          error: status.lastError,
        });
      }
    },
    io,
  });
  return {
    feed: {
      get status() {
        return feed.status;
      },
      get skippedEvents() {
        return stream.skippedEvents + feed.skipped;
      },
    },
    parts: [transitions.closing(feed), followCredentials(context, refresh)],
    async refreshIfDue(signal) {
      await refresh.refreshNowIfDue(signal);
    },
    async woke(signal) {
      refresh.woke();
      await withinWakeLimit(
        (limited) => refresh.refreshNowIfDue(limited),
        io.clock,
        signal,
      );
      feed.reconnect();
    },
    tryStream: () => tryNow(stream),
    status: () => busStatus(context, feed, stream, refresh),
  };
}

function tryNow(stream: EventFeed): void {
  if (stream.status.state !== "streaming") stream.reconnect();
}

/** Right after a sleep the network may be away, and all else goes on without. */
async function withinWakeLimit(
  work: (signal: AbortSignal) => Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const timer = clock.sleep(WAKE_LIMIT_MS, either)
    .then(() => over.abort(), () => {});
  try {
    await work(either);
  } catch {
    // The request goes on, and whoever connects waits for it.
    signal.throwIfAborted();
  } finally {
    over.abort();
    await timer;
  }
}

function opener(
  { config, version, io }: NodeContext,
  dispatcher: Dispatcher,
): ConstructorParameters<typeof CarrierFeed>[0]["open"] {
  return async (credentials, attempt, heard) => {
    const caFile = config["api.ca_file"];
    return await NatsSession.open(credentials, {
      sink: dispatcher,
      clientName: `plexd/${version}`,
      ca: caFile === undefined ? undefined : await Deno.readTextFile(caFile),
      allowPlaintext: config["api.allow_plaintext"],
      connectTimeoutMs: config["api.connect_timeout"],
      maxEventBytes: config["stream.max_event_bytes"],
      onRefused: () => heard.refused(),
      onSkipped: () => heard.skipped(),
      log: io.log,
    }, attempt);
  };
}

function buildRefresh(context: NodeContext): RefreshLoop {
  const { config, store, uplink, contact, io } = context;
  return new RefreshLoop({
    fetch: (signal) => uplink.carrierCredentials(signal),
    store: store.credentials,
    hide: context.hideCarrier,
    onNews(news: RefreshNews) {
      if (news.type === "unauthorized") {
        return contact.heard("credentials", news.error);
      }
      contact.heard("credentials", undefined);
      if (news.type === "refreshed") {
        const reason = `valid until ${news.expiresAt}`;
        store.transitions.note("refresh", { carrier: "nats", reason });
      }
    },
    reprobeIntervalMs: config["stream.reprobe_interval"],
    io,
  });
}

/** What was refused to a former key may be given to another one. */
function followCredentials(
  { store }: NodeContext,
  refresh: RefreshLoop,
): Part {
  return {
    name: refresh.name,
    async run(signal) {
      const fingerprint = () => store.credentials.current?.key.fingerprint;
      let known = fingerprint();
      const forget = store.credentials.onChange(() => {
        if (fingerprint() === known) return;
        known = fingerprint();
        refresh.renewed();
      });
      try {
        await refresh.run(signal);
      } finally {
        forget();
      }
    },
  };
}

function busStatus(
  { config: { transport }, io }: NodeContext,
  feed: CarrierFeed,
  stream: EventFeed,
  refresh: RefreshLoop,
): ReturnType<Carriers["status"]> {
  const { state, sinceMs, nextTryMs, lastError } = feed.bus;
  const now = refresh.status;
  return {
    carrier: {
      active: feed.feeder === "sse" ? activeOf(stream) : feed.feeder,
      transport,
      nats: {
        state,
        since: isoTime(sinceMs),
        next_try_at: nextTryMs === undefined
          ? null
          : isoTime(wallTimeOf(nextTryMs, io.clock)),
        last_error: lastError ?? null,
        refused: feed.refused,
      },
    },
    carrier_credentials: {
      state: now.state,
      expires_at: timeOrNull(now.expiresAtMs),
      last_refresh_at: timeOrNull(now.lastRefreshMs),
      next_refresh_at: timeOrNull(now.nextRefreshMs),
      last_error: now.lastError ?? null,
    },
  };
}

function activeOf({ status }: EventFeed): "sse" | "pull" | null {
  const { state } = status;
  if (state === "streaming") return "sse";
  return state === "polling" || state === "pull_only" ? "pull" : null;
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}
