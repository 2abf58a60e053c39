import type { LinkEvent, LinkState } from "../../src/uplink/link.ts";

/** Every state of the event feed; the type check knows when one is missing. */
export const LINK_STATES = Object.keys(
  {
    connecting: true,
    streaming: true,
    waiting: true,
    polling: true,
    pull_only: true,
    refused: true,
  } satisfies Record<LinkState, true>,
) as LinkState[];

/** Everything that can happen to it. */
export const LINK_EVENTS = Object.keys(
  {
    opened: true,
    lost: true,
    refused: true,
    no_stream: true,
    due: true,
    long_outage: true,
    renewed: true,
  } satisfies Record<LinkEvent, true>,
) as LinkEvent[];
