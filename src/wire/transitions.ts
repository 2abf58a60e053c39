import * as z from "zod/mini";

/** Everything that the transition ring tells of. */
export const TRANSITION_TYPES = [
  /** The agent runs, with its store open. The reason is its version. */
  "start",
  /** The agent ends as it was told to. */
  "stop",
  /** The agent ends because something has failed. */
  "failed",
  /** A carrier of events is up for the first time since the start, or a reload. */
  "connect",
  /** A carrier was lost, or a bus is away; the reason says how. */
  "disconnect",
  /** It is up again. */
  "reconnect",
  /** It was closed by this side. */
  "closed",
  /** The stream is away for long, or there is none: states are pulled instead. */
  "polling",
  /** The control plane or the bus refuses a carrier, though not this node. */
  "refused",
  /** The control plane does not accept this node; once per episode. */
  "unauthorized",
  /** The control plane takes the node's credentials, or does not any more. */
  "credential",
  /** Credentials were renewed. */
  "refresh",
  /** Configuration or credentials were read anew. */
  "reload",
  /** The machine has slept. */
  "wake",
  /** A listener of the local API has failed, and is open again. */
  "reopened",
  /**
   * The control plane asked for an action that does not run here; once for
   * each action and reason in a run of the agent.
   */
  "rejected",
  /** Something stored was not as it was left, and was dealt with. */
  "recovered",
  /** A degraded reason came; the reason names it. */
  "degraded",
  /** A degraded reason is over; the reason names it. */
  "restored",
] as const;

export type TransitionType = typeof TRANSITION_TYPES[number];

/** What carries the events of the control plane. */
export type Carrier = "sse" | "nats" | "pull";

/** Longest reason of a transition, in bytes of UTF-8. */
export const LONGEST_REASON_BYTES = 256;

/** Something that happened to the agent. It is observed, and decides nothing. */
export interface Transition {
  /** One of {@linkcode TRANSITION_TYPES}, or what another version writes. */
  readonly type: string;
  /** RFC 3339 text in UTC. */
  readonly at: string;
  /** A few words without secrets. */
  readonly reason?: string | undefined;
  /** What it happened to, where there is a choice. */
  readonly carrier?: string | undefined;
}

/** What `GET /v1/events` of the local API answers, and `plexd events` shows. */
export interface EventsDocument {
  /** Oldest first. */
  readonly events: readonly Transition[];
  /** Events that are kept at most; the oldest give way. */
  readonly capacity: number;
}

/** Checks one {@linkcode Transition}. */
export const transitionSchema = z.object({
  type: z.string(),
  at: z.string(),
  reason: z.optional(z.string()),
  carrier: z.optional(z.string()),
});

/** Checks an {@linkcode EventsDocument}. */
export const eventsSchema = z.object({
  events: z.array(transitionSchema),
  capacity: z.int(),
});
