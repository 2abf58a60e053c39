import type { Part } from "../platform/part.ts";
import type { StoredReason } from "../store/health_store.ts";
import type { Transitions } from "../store/transition_ring.ts";
import type { HealthSource } from "../sync/health_report.ts";
import type { BusStatus } from "../uplink/carrier_feed.ts";
import type { CarrierState } from "../uplink/carrier_link.ts";
import type { FeedStatus } from "../uplink/event_feed.ts";
import type { LinkState } from "../uplink/link.ts";
import type { TransitionType } from "../wire/transitions.ts";

/** Follows the event stream into the transition ring. */
export interface LinkTransitions {
  /** The stream is in another state now. */
  readonly onState: (state: LinkState, status: FeedStatus) => void;
  /** The same part; a stream that is open when it ends was closed by it. */
  closing(feed: Part): Part;
}

/**
 * Notes what becomes of the event stream. The states between two tries are not
 * worth an entry: a long outage would push everything else out.
 */
export function linkTransitions(ring: Transitions): LinkTransitions {
  let [wasUp, isUp] = [false, false];
  /** What was noted since the stream was last up. */
  let noted: TransitionType | undefined;
  const once = (type: TransitionType, details: Noted) => {
    if (noted === type) return;
    noted = type;
    ring.note(type, details);
  };
  return {
    onState(state, { lastError, failure }) {
      const reason = lastError === undefined ? {} : { reason: lastError };
      if (state === "streaming") {
        ring.note(wasUp ? "reconnect" : "connect", { carrier: "sse" });
        [wasUp, isUp, noted] = [true, true, undefined];
        return;
      }
      if (isUp) ring.note("disconnect", { carrier: "sse", ...reason });
      isUp = false;
      if (state === "polling" || state === "pull_only") {
        once("polling", { carrier: "pull", ...reason });
      }
      // A node that is not accepted has a degraded reason, which is noted.
      const isNode = failure === "unauthorized" || failure === "forbidden";
      if (state === "refused" && !isNode) {
        once("refused", { carrier: "sse", ...reason });
      }
    },
    closing: (feed) => ({
      name: feed.name,
      async run(signal) {
        await feed.run(signal);
        if (isUp) ring.note("closed", { carrier: "sse" });
        isUp = false;
      },
    }),
  };
}

type Noted = Parameters<Transitions["note"]>[1];

/** Follows the message bus into the transition ring. */
export interface BusTransitions {
  /** It is in another state now. */
  readonly onState: (state: CarrierState, status: BusStatus) => void;
  /** The same part; a bus that is in use when it ends was left by it. */
  closing(feed: Part): Part;
}

/**
 * Notes what becomes of the message bus as a carrier. A connection that is made
 * anew with fresh credentials is no event, unless it fails.
 */
export function busTransitions(ring: Transitions): BusTransitions {
  const carrier = "nats";
  let [wasUp, isUp, isAway] = [false, false, false];
  let refused: string | undefined;
  return {
    onState(state, { planned, lastError, isRefusal }) {
      const reason = lastError === undefined ? {} : { reason: lastError };
      if (state === "feeding") {
        if (!isUp) ring.note(wasUp ? "reconnect" : "connect", { carrier });
        [wasUp, isUp, isAway, refused] = [true, true, false, undefined];
        return;
      }
      const isLost = isUp && !(state === "lost" && planned);
      // Once for each reason: a long outage would push all else out.
      const isRefused = !isUp && state === "waiting" && isRefusal &&
        refused !== lastError;
      if (isRefused) {
        ring.note("refused", { carrier, ...reason });
        refused = lastError;
      } else if (isLost || (state === "waiting" && !isUp && !isAway)) {
        ring.note("disconnect", { carrier, ...reason });
        [isUp, isAway] = [false, true];
      }
    },
    closing: (feed) => ({
      name: feed.name,
      async run(signal) {
        await feed.run(signal);
        if (isUp) ring.note("closed", { carrier });
        isUp = false;
      },
    }),
  };
}

/**
 * Notes degraded reasons that come and go from now on.
 *
 * @param former What an earlier run was degraded by: what of it holds still is
 * nothing new.
 */
export function noteReasons(
  health: HealthSource,
  former: readonly StoredReason[],
  ring: Transitions,
): void {
  const known = new Set(former.map(nameOf));
  let current = new Map<string, string>();
  const look = () => {
    const reasons = health.list();
    const next = new Map(reasons.map((one) => [nameOf(one), one.reason]));
    for (const one of reasons) {
      const name = nameOf(one);
      if (current.has(name) || known.delete(name)) continue;
      const isRefused = one.reason === "unauthorized";
      ring.note(isRefused ? "unauthorized" : "degraded", {
        reason: isRefused ? one.detail : `${one.reason}: ${one.detail}`,
      });
    }
    for (const [name, reason] of current) {
      if (!next.has(name)) ring.note("restored", { reason });
    }
    current = next;
  };
  look();
  health.onChange(look);
}

/** One that came back is another one. */
function nameOf(
  { reason, since }: { readonly reason: string; readonly since: string },
): string {
  return `${reason} ${since}`;
}
