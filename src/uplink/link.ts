/** Where the event feed stands. */
export type LinkState =
  | "connecting"
  | "streaming"
  | "waiting"
  | "polling"
  | "pull_only"
  | "refused";

/** What can happen to it. */
export type LinkEvent =
  | "opened"
  | "lost"
  | "refused"
  | "no_stream"
  | "due"
  | "long_outage"
  | "renewed";

/**
 * The reconnect machine: one entry per arrow.
 *
 * A clean end of the stream is `lost` too, so that a server which closes at
 * once is not asked again at once. A node never gives up: `refused` tries again
 * as well, only slowly. So does `pull_only`, for a control plane that has no
 * event stream at all.
 *
 * @see docs/wire.md, section b.7, with its recommendations, and h.8
 */
const LINK: Record<LinkState, Partial<Record<LinkEvent, LinkState>>> = {
  connecting: {
    opened: "streaming",
    lost: "waiting",
    refused: "refused",
    no_stream: "pull_only",
  },
  streaming: { lost: "waiting", renewed: "connecting" },
  waiting: { due: "connecting", long_outage: "polling" },
  polling: { due: "connecting", refused: "refused" },
  pull_only: { due: "connecting", refused: "refused" },
  refused: { due: "connecting" },
};

/** @throws {TypeError} for an arrow that the table does not have. */
export function follow(from: LinkState, event: LinkEvent): LinkState {
  const to = LINK[from][event];
  if (!to) throw new TypeError(`Cannot follow "${event}" from "${from}"`);
  return to;
}
