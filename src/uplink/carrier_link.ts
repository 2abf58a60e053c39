/** Where the message bus stands as a carrier. */
export type CarrierState =
  /** There are no credentials for it. */
  | "without"
  /** It is tried. */
  | "connecting"
  /** It is connected; the pull that goes before its events is under way. */
  | "catching_up"
  /** It brings the events. */
  | "feeding"
  /** It brought them a moment ago, and is tried again at once. */
  | "lost"
  /** The next try has a while to wait. */
  | "waiting";

/** What can happen to it. */
export type CarrierEvent =
  | "credentials"
  | "no_credentials"
  | "connected"
  | "caught_up"
  | "regained"
  | "failed"
  | "lost"
  | "due";

/**
 * The two carriers, one entry per arrow. Only one of them feeds at a time: what
 * a state says is in {@linkcode FEEDER}.
 */
const LINK: Record<
  CarrierState,
  Partial<Record<CarrierEvent, CarrierState>>
> = {
  without: { credentials: "connecting" },
  connecting: {
    connected: "catching_up",
    failed: "waiting",
    no_credentials: "without",
  },
  catching_up: { caught_up: "feeding", failed: "waiting" },
  feeding: { lost: "lost" },
  lost: {
    regained: "feeding",
    failed: "waiting",
    no_credentials: "without",
  },
  waiting: { due: "connecting", no_credentials: "without" },
};

/**
 * What brings events in each state. While the bus is lost nothing does, for a
 * few seconds: what it missed is kept there.
 */
export const FEEDER: Readonly<Record<CarrierState, "sse" | "nats" | null>> = {
  without: "sse",
  connecting: "sse",
  catching_up: "sse",
  feeding: "nats",
  lost: null,
  waiting: "sse",
};

/** @throws {TypeError} for an arrow that the table does not have. */
export function followCarrier(
  from: CarrierState,
  event: CarrierEvent,
): CarrierState {
  const to = LINK[from][event];
  if (!to) throw new TypeError(`Cannot follow "${event}" from "${from}"`);
  return to;
}
