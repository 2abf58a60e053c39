import type { Beating, KeepAlive } from "../platform/keep_alive.ts";
import type { Platform } from "../platform/platform.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { EventFanOut } from "./event_fan_out.ts";
import type { EventSigner, Frame } from "./event_signer.ts";
import type { EventWindow } from "./event_window.ts";
import type { StoredEvent } from "./storage/storage.ts";

/** Nodes take 90 s of silence for a lost connection. */
export const KEEP_ALIVE_MS = 25_000;

const encoder = new TextEncoder();

const KEEP_ALIVE = encoder.encode(":keep-alive\n\n");

/** A server that stops asks for more time; this takes that back. */
const FIRST = encoder.encode(":keep-alive\nretry: 1000\n\n");

/** Why a stream ended. */
export type StreamEnd =
  | "client_left"
  | "slow_consumer"
  | "replaced"
  | "node_gone"
  | "failed"
  | "stopping";

/** Where a stream begins. */
export interface StreamStart {
  /** Sequence of the last event that the node has. */
  readonly from: number;
  /** Until this sequence only changes of the signing key are sent. @default {0} */
  readonly keyChangesOnlyUpTo?: number;
}

/** What all streams share. */
export interface SharedByStreams {
  readonly window: EventWindow;
  readonly signer: EventSigner;
  readonly fanOut: EventFanOut;
  readonly keepAlive: KeepAlive;
  readonly io: Platform;
}

/** Options for {@linkcode EventStream}. */
export interface EventStreamOptions {
  readonly node: { readonly nodeId: string; readonly domainId: string };
  readonly dialect: Dialect;
  readonly start: StreamStart;
  readonly onEnd: (reason: StreamEnd) => void;
}

/**
 * One open event stream of a node.
 *
 * Takes the kept events from its cursor on, one batch whenever the connection
 * takes more: what a slow consumer has not taken stays in storage, not in
 * memory. One that takes nothing at all is cut.
 *
 * There are thousands of them: while one waits it holds no timer and no promise.
 */
export class EventStream implements Beating {
  readonly body: ReadableStream<Frame>;
  readonly #options: EventStreamOptions;
  readonly #shared: SharedByStreams;
  readonly #unsubscribe: () => void;
  #controller!: ReadableStreamDefaultController<Frame>;
  #read: StoredEvent[] = [];
  #cursor: number;
  #hasEnded = false;
  /** Whether the connection waits for something to send. */
  #isWanted = false;
  #isSending = false;
  /** Something was wanted, or came, while it was sending. */
  #again = false;
  #tookSinceBeat = true;

  constructor(options: EventStreamOptions, shared: SharedByStreams) {
    this.#options = options;
    this.#shared = shared;
    this.#cursor = options.start.from;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        // So that the client sees at once that it is connected.
        controller.enqueue(FIRST);
      },
      pull: () => {
        this.#tookSinceBeat = true;
        this.#isWanted = true;
        this.#send();
      },
      cancel: () => this.#end("client_left"),
    }, { highWaterMark: 0 });
    const { fanOut, window, keepAlive } = shared;
    window.fallBehind();
    this.#unsubscribe = fanOut.subscribe(options.node, () => {
      window.fallBehind();
      this.#send();
    });
    keepAlive.add(this);
  }

  /**
   * Ends the stream cleanly, once.
   *
   * @param retryMs When the node is to come back. @default {as it likes}
   */
  close(reason: StreamEnd, retryMs?: number): void {
    if (this.#hasEnded) return;
    this.#end(reason);
    try {
      if (retryMs !== undefined) {
        const text = `:back-later\nretry: ${retryMs}\n\n`;
        this.#controller.enqueue(encoder.encode(text));
      }
      this.#controller.close();
    } catch {
      // The connection was lost, which shows no earlier than now.
    }
  }

  /** Keeps the connection alive, or cuts one that has taken nothing since. */
  beat(): void {
    if (this.#isWanted && !this.#isSending) this.#give(KEEP_ALIVE);
    else if (!this.#tookSinceBeat) this.close("slow_consumer");
    this.#tookSinceBeat = false;
  }

  #end(reason: StreamEnd) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unsubscribe();
    this.#shared.keepAlive.remove(this);
    this.#read = [];
    this.#options.onEnd(reason);
  }

  /** Sends what there is, for as long as the connection wants it. */
  async #send() {
    this.#again = true;
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#isWanted && this.#again && !this.#hasEnded) {
        // Before looking, so that what comes meanwhile is not missed.
        this.#again = false;
        const frame = await this.#nextFrame();
        if (frame && !this.#hasEnded) this.#give(frame);
      }
    } catch (error) {
      this.#shared.io.log.error("Event stream failed", {
        node_id: this.#options.node.nodeId,
        error,
      });
      this.close("failed");
    } finally {
      this.#isSending = false;
    }
  }

  /** What is given is taken at once: it is wanted. */
  #give(frame: Frame) {
    this.#isWanted = false;
    try {
      this.#controller.enqueue(frame);
    } catch {
      this.#end("client_left");
    }
  }

  /** What to send next; undefined when there is nothing yet. */
  async #nextFrame(): Promise<Frame | undefined> {
    while (!this.#hasEnded) {
      const event = this.#read.shift();
      if (event) {
        this.#cursor = event.sequence;
        const frame = await this.#frameOf(event);
        if (frame) return frame;
        continue;
      }
      const { window } = this.#shared;
      const { events, upTo } = await window.after(
        this.#cursor,
        this.#options.node,
      );
      if (events.length === 0) {
        this.#cursor = Math.max(this.#cursor, upTo);
        return undefined;
      }
      this.#read = events;
    }
    return undefined;
  }

  /** Undefined for an event that is not for this stream. */
  async #frameOf(event: StoredEvent): Promise<Frame | undefined> {
    const { dialect, start } = this.#options;
    const isLeftOut = event.sequence <= (start.keyChangesOnlyUpTo ?? 0) &&
      event.type !== "signing_key_rotated";
    if (isLeftOut) return undefined;
    return (await this.#shared.signer.sent(event, dialect))?.frame;
  }
}
