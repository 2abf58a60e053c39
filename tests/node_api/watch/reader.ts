import { type SseMessage, SseParser } from "../../../src/uplink/sse_parser.ts";

/** An event of a stream of changes, its data decoded. */
export interface ReadEvent {
  readonly event: string;
  readonly id: string;
  // deno-lint-ignore no-explicit-any -- whatever the test expects
  readonly data: any;
}

/** Reads a stream of changes only when it is told to. */
export class Reader {
  readonly #bytes: ReadableStreamDefaultReader<Uint8Array>;
  readonly #parser = new SseParser();
  readonly #messages: SseMessage[] = [];

  constructor(body: ReadableStream<Uint8Array>) {
    this.#bytes = body.getReader();
  }

  /** For `Last-Event-ID`. */
  get lastEventId(): string {
    return this.#parser.lastEventId;
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<ReadEvent | undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) {
        const { event, id, data } = message;
        return { event, id, data: JSON.parse(data) };
      }
      if (!await this.chunk()) return undefined;
    }
  }

  /** The next `count` events; fewer when the stream ends. */
  async take(count: number): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** What is left until the stream ends. */
  rest(): Promise<ReadEvent[]> {
    return this.take(Infinity);
  }

  /** Takes one slice of bytes. @returns false at the end. */
  async chunk(): Promise<boolean> {
    const { value } = await this.#bytes.read();
    if (!value) return false;
    this.#messages.push(...this.#parser.push(value));
    return true;
  }

  async cancel(): Promise<void> {
    await this.#bytes.cancel();
  }
}
