import { KeepAlive } from "../platform/keep_alive.ts";
import type { Platform } from "../platform/platform.ts";
import type { EventFanOut } from "./event_fan_out.ts";
import type { EventSigner } from "./event_signer.ts";
import {
  EventStream,
  KEEP_ALIVE_MS,
  type SharedByStreams,
  type StreamEnd,
  type StreamStart,
} from "./event_stream.ts";
import { EventWindow } from "./event_window.ts";
import type { Node, Storage } from "./storage/storage.ts";

/**
 * Streams that one node may have open. It uses one; others are connections
 * whose end has not been noticed yet.
 */
const MAX_PER_NODE = 4;

/** Nobody comes back sooner after a stop: a restart takes about as long. */
const FIRST_MS = 500;
/** Over this time nodes come back: some hundred a second. */
const MIN_WINDOW_MS = 1_000;
const MS_FOR_EACH = 4;
const MAX_WINDOW_MS = 60_000;

/** Options for {@linkcode EventStreams}. */
export interface EventStreamsOptions {
  readonly storage: Storage;
  readonly signer: EventSigner;
  readonly fanOut: EventFanOut;
  readonly io: Platform;
}

/** All open event streams. */
export class EventStreams {
  readonly #shared: SharedByStreams;
  readonly #open = new Map<string, Set<EventStream>>();
  readonly #ended = new Map<StreamEnd, number>();

  constructor({ storage, ...options }: EventStreamsOptions) {
    this.#shared = {
      ...options,
      window: new EventWindow(storage),
      keepAlive: new KeepAlive(options.io.clock, KEEP_ALIVE_MS),
    };
  }

  /** How many streams have ended so far, by reason. */
  get ended(): ReadonlyMap<StreamEnd, number> {
    return this.#ended;
  }

  isOpen(nodeId: string): boolean {
    return this.#open.has(nodeId);
  }

  open(
    node: Pick<Node, "id" | "domainId" | "dialect">,
    start: StreamStart,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { log } = this.#shared.io;
    const streams = this.#open.get(node.id) ?? new Set();
    const [oldest] = streams;
    if (oldest && streams.size >= MAX_PER_NODE) oldest.close("replaced");
    const stream = new EventStream({
      node: { nodeId: node.id, domainId: node.domainId },
      dialect: node.dialect,
      start,
      onEnd: (reason) => {
        streams.delete(stream);
        if (streams.size === 0) this.#open.delete(node.id);
        this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
        log.info("Event stream ended", { node_id: node.id, reason });
      },
    }, this.#shared);
    this.#open.set(node.id, streams.add(stream));
    log.info("Event stream opened", { node_id: node.id, from: start.from });
    return stream.body;
  }

  /** Ends the streams of a node whose key no longer counts. */
  closeNode(nodeId: string): void {
    for (const stream of [...this.#open.get(nodeId) ?? []]) {
      stream.close("node_gone");
    }
  }

  /** How many streams are open. */
  get count(): number {
    let count = 0;
    for (const streams of this.#open.values()) count += streams.size;
    return count;
  }

  /**
   * Ends all streams. Each node is told another time to come back, so that a
   * fleet does not return in one moment.
   */
  closeAll(): void {
    const { random } = this.#shared.io;
    const windowMs = Math.min(
      MAX_WINDOW_MS,
      MIN_WINDOW_MS + MS_FOR_EACH * this.count,
    );
    const all = [...this.#open.values()].flatMap((streams) => [...streams]);
    for (const stream of all) {
      stream.close("stopping", FIRST_MS + Math.floor(random.unit() * windowMs));
    }
  }
}
