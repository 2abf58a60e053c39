import type { Clock } from "../../platform/clock.ts";
import { KeepAlive } from "../../platform/keep_alive.ts";
import { WATCH_HEARTBEAT_MS } from "../../wire/watch.ts";
import type { ChangeFeed } from "./change_feed.ts";
import { type Frame, Frames } from "./frames.ts";
import type { WatchRequest } from "./watch_filter.ts";
import { type SharedByWatchers, Watcher, type WatcherEnd } from "./watcher.ts";

/** Options for {@linkcode Watchers}. */
export interface WatchersOptions {
  readonly feed: ChangeFeed;
  /** Most watchers at a time, over all listeners. */
  readonly most: number;
  readonly clock: Clock;
}

/** How many watch, and what became of others, since the listeners opened. */
export interface WatchersStatus {
  readonly open: number;
  /** They did not read what was sent. */
  readonly dropped: number;
  /** There were too many already. */
  readonly refused: number;
}

/** Everyone who watches the changes of a feed. */
export class Watchers {
  readonly #most: number;
  readonly #shared: SharedByWatchers;
  readonly #open = new Set<Watcher>();
  #stopListening: (() => void) | undefined;
  #isWaking = false;
  #hasClosed = false;
  #dropped = 0;
  #refused = 0;

  constructor({ feed, most, clock }: WatchersOptions) {
    this.#most = most;
    this.#shared = {
      feed,
      frames: new Frames(feed),
      keepAlive: new KeepAlive(clock, WATCH_HEARTBEAT_MS),
    };
  }

  get status(): WatchersStatus {
    return {
      open: this.#open.size,
      dropped: this.#dropped,
      refused: this.#refused,
    };
  }

  /**
   * @param isRefused Asked before each event; once it holds, the stream ends.
   * @returns the events of a new watcher; undefined when there are too many.
   */
  watch(
    { filter, position }: WatchRequest,
    isRefused: () => boolean,
  ): ReadableStream<Frame> | undefined {
    if (this.#hasClosed || this.#open.size >= this.#most) {
      this.#refused++;
      return undefined;
    }
    const { feed } = this.#shared;
    const watcher = new Watcher({
      filter,
      start: position === undefined
        ? { seq: feed.last }
        : feed.startAt(position),
      resumed: position !== undefined,
      isRefused,
      onEnd: (ended, reason) => this.#ended(ended, reason),
    }, this.#shared);
    this.#open.add(watcher);
    this.#stopListening ??= feed.onChange(() => this.#wakeSoon());
    return watcher.body;
  }

  /** Ends all streams, and opens no more. */
  close(): void {
    this.#hasClosed = true;
    for (const watcher of this.#open) watcher.close("stopping");
  }

  /** Once for all that is noted in one go, and not before it can be read. */
  #wakeSoon() {
    if (this.#isWaking) return;
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      for (const watcher of this.#open) watcher.wake();
    });
  }

  #ended(watcher: Watcher, reason: WatcherEnd) {
    this.#open.delete(watcher);
    if (reason === "slow_reader") this.#dropped++;
    if (this.#open.size > 0) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}
