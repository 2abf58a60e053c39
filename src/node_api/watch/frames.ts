import type { WatchEnd, WatchHello, WatchReset } from "../../wire/watch.ts";
import type { ChangeFeed, FeedChange } from "./change_feed.ts";
import type { WatchFilter } from "./watch_filter.ts";

/** Bytes of one or more events. */
export type Frame = Uint8Array<ArrayBuffer>;

/** A frame is closed once it has this many characters: so much waits at most. */
const FULL_FRAME = 32_768;

/** How soon a browser comes back after a stream has ended. */
const RETRY_MS = 1_000;

const encoder = new TextEncoder();

/** The changes after a place in the order. */
export interface NextFrame {
  /** Up to here all changes are in the frame, or not wanted. */
  readonly to: number;
  /** Undefined when none is wanted. */
  readonly bytes: Frame | undefined;
}

/** A frame, and for whom it is good. */
interface MadeFrame {
  readonly filter: WatchFilter;
  readonly from: number;
  /** Nothing that comes later goes into it. */
  readonly isFull: boolean;
  readonly made: NextFrame;
}

/** Makes the events of a feed; a frame for many readers is made once. */
export class Frames {
  readonly #feed: ChangeFeed;
  #latest: MadeFrame | undefined;

  constructor(feed: ChangeFeed) {
    this.#feed = feed;
  }

  hello(seq: number, resumed: boolean): Frame {
    const position = this.#feed.positionOf(seq);
    return this.#first("hello", { position, resumed }, position);
  }

  reset(seq: number, reason: WatchReset["reason"]): Frame {
    const position = this.#feed.positionOf(seq);
    return this.#first("reset", { reason, position }, position);
  }

  /** Not silence, and where a reader is that has not seen a change for long. */
  heartbeat(seq: number): Frame {
    const position = this.#feed.positionOf(seq);
    return encoder.encode(`:heartbeat\nid: ${position}\n\n`);
  }

  end(reason: WatchEnd["reason"]): Frame {
    const data = JSON.stringify({ reason } satisfies WatchEnd);
    return encoder.encode(`event: end\ndata: ${data}\n\n`);
  }

  /** The changes after `from` that are kept and wanted, as many as fit. */
  after(from: number, filter: WatchFilter): NextFrame {
    const latest = this.#latest;
    if (
      latest?.from === from && sameFilter(latest.filter, filter) &&
      (latest.isFull || latest.made.to === this.#feed.last)
    ) return latest.made;
    this.#latest = this.#make(from, filter);
    return this.#latest.made;
  }

  #make(from: number, filter: WatchFilter): MadeFrame {
    const { last } = this.#feed;
    let text = "";
    let to = from;
    while (to < last && text.length < FULL_FRAME) {
      const change = this.#feed.get(++to);
      if (!isWanted(change, filter)) continue;
      const id = this.#feed.positionOf(to);
      text += `event: change\nid: ${id}\ndata: ${change.json}\n\n`;
    }
    const bytes = text === "" ? undefined : encoder.encode(text);
    const isFull = text.length >= FULL_FRAME;
    return { filter, from, isFull, made: { to, bytes } };
  }

  #first(event: string, data: WatchHello | WatchReset, id: string): Frame {
    return encoder.encode(
      `retry: ${RETRY_MS}\nevent: ${event}\nid: ${id}\n` +
        `data: ${JSON.stringify(data)}\n\n`,
    );
  }
}

function isWanted(
  { kind, key }: FeedChange,
  { kinds, keys }: WatchFilter,
): boolean {
  return (kinds.size === 0 || kinds.has(kind)) &&
    (keys.size === 0 || keys.has(key));
}

function sameFilter(a: WatchFilter, b: WatchFilter): boolean {
  if (a === b) return true;
  return a.kinds.size === b.kinds.size && a.keys.size === b.keys.size &&
    a.kinds.isSubsetOf(b.kinds) && a.keys.isSubsetOf(b.keys);
}
