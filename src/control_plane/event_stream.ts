import type { Platform } from "../platform/platform.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { EventFanOut } from "./event_fan_out.ts";
import type { EventSigner } from "./event_signer.ts";
import type { Storage, StoredEvent } from "./storage/storage.ts";

/** Nodes take 90 s of silence for a lost connection. */
export const KEEP_ALIVE_MS = 25_000;

const KEEP_ALIVE = ":keep-alive\n\n";

/** A server that stops asks for more time; this takes that back. */
const FIRST = ":keep-alive\nretry: 1000\n\n";

/** Events read at a time: few, since each of them can be large. */
const BATCH = 16;

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

/** Options for {@linkcode EventStream}. */
export interface EventStreamOptions {
  readonly node: { readonly nodeId: string; readonly domainId: string };
  readonly dialect: Dialect;
  readonly start: StreamStart;
  readonly storage: Storage;
  readonly signer: EventSigner;
  readonly fanOut: EventFanOut;
  readonly io: Platform;
  readonly onEnd: (reason: StreamEnd) => void;
}

/**
 * One open event stream of a node.
 *
 * Reads the kept events from its cursor on, one batch whenever the connection
 * takes more: what a slow consumer has not taken stays in storage, not in
 * memory. One that takes nothing at all is cut.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: EventStreamOptions;
  readonly #done = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #read: StoredEvent[] = [];
  #cursor: number;
  #wake = Promise.withResolvers<void>();
  /** Whether the connection waits for something to send. */
  #waiting = false;
  #tookSinceBeat = true;
  #keepAliveIsDue = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#cursor = options.start.from;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        // So that the client sees at once that it is connected.
        controller.enqueue(this.#encoder.encode(FIRST));
      },
      pull: () => this.#pull(),
      cancel: () => this.#end("client_left"),
    }, { highWaterMark: 0 });
    this.#unsubscribe = options.fanOut.subscribe(
      options.node,
      () => this.#wake.resolve(),
    );
    this.#beat();
  }

  /**
   * Ends the stream cleanly, once.
   *
   * @param retryMs When the node is to come back. @default {as it likes}
   */
  close(reason: StreamEnd, retryMs?: number): void {
    if (this.#done.signal.aborted) return;
    this.#end(reason);
    if (retryMs !== undefined) {
      const text = `:back-later\nretry: ${retryMs}\n\n`;
      this.#controller.enqueue(this.#encoder.encode(text));
    }
    this.#controller.close();
  }

  #end(reason: StreamEnd) {
    if (this.#done.signal.aborted) return;
    this.#done.abort();
    this.#unsubscribe();
    this.#read = [];
    this.#wake.resolve();
    this.#options.onEnd(reason);
  }

  async #pull() {
    this.#tookSinceBeat = true;
    try {
      const text = await this.#nextText();
      if (text === undefined) return;
      this.#controller.enqueue(this.#encoder.encode(text));
    } catch (error) {
      this.#options.io.log.error("Event stream failed", {
        node_id: this.#options.node.nodeId,
        error,
      });
      this.close("failed");
    }
  }

  /** What to send next, as soon as there is something; undefined at the end. */
  async #nextText(): Promise<string | undefined> {
    while (!this.#done.signal.aborted) {
      // Renewed before looking, so that what comes meanwhile is not missed.
      this.#wake = Promise.withResolvers();
      const event = await this.#nextEvent();
      const frame = event && await this.#frameOf(event);
      if (this.#done.signal.aborted) break;
      if (event) {
        this.#cursor = event.sequence;
        if (frame !== undefined) return frame;
        continue;
      }
      if (this.#keepAliveIsDue) {
        this.#keepAliveIsDue = false;
        return KEEP_ALIVE;
      }
      this.#waiting = true;
      await this.#wake.promise;
      this.#waiting = false;
    }
    return undefined;
  }

  /** Undefined for an event that is not for this stream. */
  async #frameOf(event: StoredEvent): Promise<string | undefined> {
    const { signer, dialect, start } = this.#options;
    const isLeftOut = event.sequence <= (start.keyChangesOnlyUpTo ?? 0) &&
      event.type !== "signing_key_rotated";
    return isLeftOut ? undefined : await signer.frame(event, dialect);
  }

  async #nextEvent(): Promise<StoredEvent | undefined> {
    if (this.#read.length === 0) {
      const { storage, node } = this.#options;
      this.#read = await storage.read(async (rows) =>
        await rows.events.after(this.#cursor, node, BATCH)
      );
    }
    return this.#read.shift();
  }

  async #beat() {
    const { clock } = this.#options.io;
    const { signal } = this.#done;
    for (;;) {
      try {
        await clock.sleep(KEEP_ALIVE_MS, signal);
      } catch {
        return; // the stream has ended
      }
      if (this.#waiting) {
        this.#keepAliveIsDue = true;
        this.#wake.resolve();
      } else if (!this.#tookSinceBeat) {
        this.close("slow_consumer");
      }
      this.#tookSinceBeat = false;
    }
  }
}
