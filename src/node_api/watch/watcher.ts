import type { Beating, KeepAlive } from "../../platform/keep_alive.ts";
import type { WatchEnd } from "../../wire/watch.ts";
import type { ChangeFeed, FeedStart } from "./change_feed.ts";
import type { Frame, Frames } from "./frames.ts";
import type { WatchFilter } from "./watch_filter.ts";

/** Why a watcher is no more. */
export type WatcherEnd = WatchEnd["reason"] | "reader_left";

/** What all watchers share. */
export interface SharedByWatchers {
  readonly feed: ChangeFeed;
  readonly frames: Frames;
  readonly keepAlive: KeepAlive;
}

/** Options for {@linkcode Watcher}. */
export interface WatcherOptions {
  readonly filter: WatchFilter;
  readonly start: FeedStart;
  /** The reader has named the position that it begins at. */
  readonly resumed: boolean;
  /** Whether what it wants must not be told any more. */
  readonly isRefused: () => boolean;
  readonly onEnd: (watcher: Watcher, reason: WatcherEnd) => void;
}

/**
 * One open stream of changes.
 *
 * It holds its place in the feed and, at most, one frame: what a slow reader
 * has not taken stays in the feed, where it is for all. One that falls out of
 * the feed, or takes nothing from one beat to the next, is dropped. While it
 * waits it has no timer and no promise, as there may be a thousand.
 */
export class Watcher implements Beating {
  readonly body: ReadableStream<Frame>;
  readonly #shared: SharedByWatchers;
  readonly #filter: WatchFilter;
  readonly #isRefused: WatcherOptions["isRefused"];
  readonly #onEnd: WatcherOptions["onEnd"];
  #controller!: ReadableStreamDefaultController<Frame>;
  #seq: number;
  #hasEnded = false;
  /** Whether the connection waits for something to send. */
  #isAsked = false;
  #tookSinceBeat = true;

  constructor(options: WatcherOptions, shared: SharedByWatchers) {
    const { filter, start, resumed, isRefused, onEnd } = options;
    this.#shared = shared;
    this.#filter = filter;
    this.#isRefused = isRefused;
    this.#onEnd = onEnd;
    this.#seq = start.seq;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue(
          start.reset === undefined
            ? shared.frames.hello(start.seq, resumed)
            : shared.frames.reset(start.seq, start.reset),
        );
      },
      pull: () => {
        this.#tookSinceBeat = true;
        this.#isAsked = true;
        this.wake();
      },
      cancel: () => this.#end("reader_left"),
    }, { highWaterMark: 0 });
    shared.keepAlive.add(this);
  }

  /** Sends what there is, if the connection takes it. */
  wake(): void {
    if (!this.#isAsked || this.#hasEnded) return;
    if (this.#isRefused()) return this.close("state_unavailable");
    const { feed, frames } = this.#shared;
    if (this.#seq < feed.skippedTo) {
      this.#seq = feed.skippedTo;
      return this.#give(frames.reset(this.#seq, "too_many_changes"));
    }
    if (!this.#canGoOn) return this.close("slow_reader");
    const { to, bytes } = frames.after(this.#seq, this.#filter);
    this.#seq = to;
    if (bytes) this.#give(bytes);
  }

  /** Keeps the connection alive, or drops one that has taken nothing since. */
  beat(): void {
    if (this.#isRefused()) return this.close("state_unavailable");
    if (this.#isAsked) this.#give(this.#shared.frames.heartbeat(this.#seq));
    else if (!this.#tookSinceBeat || !this.#canGoOn) this.close("slow_reader");
    this.#tookSinceBeat = false;
  }

  /** Ends the stream cleanly, its reason last; does nothing once it has ended. */
  close(reason: WatchEnd["reason"]): void {
    if (this.#hasEnded) return;
    this.#end(reason);
    try {
      this.#controller.enqueue(this.#shared.frames.end(reason));
      this.#controller.close();
    } catch {
      // The connection was lost, which shows no earlier than now.
    }
  }

  /** Whether what it has not taken yet is remembered, or told as one. */
  get #canGoOn(): boolean {
    const { feed } = this.#shared;
    return this.#seq < feed.skippedTo || feed.isKeptAfter(this.#seq);
  }

  #end(reason: WatcherEnd) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#shared.keepAlive.remove(this);
    this.#onEnd(this, reason);
  }

  /** What is given is taken at once: it is asked for. */
  #give(frame: Frame) {
    this.#isAsked = false;
    try {
      this.#controller.enqueue(frame);
    } catch {
      this.#end("reader_left");
    }
  }
}
