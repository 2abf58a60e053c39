/** One message of an event stream. */
export interface SseMessage {
  /** The id in force when the message ended; empty when there is none. */
  readonly id: string;
  /** `message` when the stream names no type. */
  readonly event: string;
  readonly data: string;
}

/** Options for {@linkcode SseParser}. */
export interface SseParserOptions {
  /**
   * Most bytes of one event, line ends and field names included. A longer one
   * is skipped, never buffered.
   * @default {4194304}
   */
  readonly maxEventBytes?: number;
  /** A `retry:` field asks for another reconnection time. */
  readonly onRetry?: (ms: number) => void;
  /** An event was longer than `maxEventBytes` and is being skipped. */
  readonly onSkipped?: () => void;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BOM = [0xef, 0xbb, 0xbf];

/** The buffer for a cut line starts at this size and grows with the line. */
const FIRST_BUFFER_BYTES = 4_096;

/**
 * Bytes of an event stream in any slices, messages out. Knows no network.
 *
 * Each byte is looked at once, however small the slices, and no more than
 * `maxEventBytes` are held.
 *
 * @see the HTML standard, section 9.2.6, "Interpreting an event stream"
 */
export class SseParser {
  readonly #maxEventBytes: number;
  readonly #onRetry: (ms: number) => void;
  readonly #onSkipped: () => void;
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Start of a line whose end has not come yet. */
  #partial = new Uint8Array(0);
  #partialLength = 0;
  /** A line ended in CR: a LF right after it belongs to the same line end. */
  #afterCr = false;
  /** How many bytes of a byte order mark have been seen; 3 once it is settled. */
  #bomSeen = 0;

  #data: string[] = [];
  #event = "";
  #id = "";
  /** The id of the event in progress: in force once that has ended. */
  #nextId = "";
  /** Bytes that the event in progress has taken so far. */
  #size = 0;
  /** The event in progress is too long: nothing counts until it ends. */
  #skipping = false;

  constructor(options: SseParserOptions = {}) {
    const { maxEventBytes = 4 * 1024 * 1024 } = options;
    if (!(maxEventBytes >= 1)) {
      throw new RangeError(
        `Cannot parse a stream as "maxEventBytes" must be >= 1: current value is ${maxEventBytes}`,
      );
    }
    this.#maxEventBytes = maxEventBytes;
    this.#onRetry = options.onRetry ?? (() => {});
    this.#onSkipped = options.onSkipped ?? (() => {});
  }

  /** The id in force, for `Last-Event-ID`; empty when there is none. */
  get lastEventId(): string {
    return this.#id;
  }

  /** Takes the next slice and returns the messages that it completes. */
  push(bytes: Uint8Array): SseMessage[] {
    const messages: SseMessage[] = [];
    let at = this.#bomSeen < BOM.length ? this.#passBom(bytes) : 0;
    // Each is looked for anew only once it is passed, or every line of a slice
    // without the other one would be a look through all the rest.
    let nextCr = bytes.indexOf(CR, at);
    let nextLf = bytes.indexOf(LF, at);
    while (at < bytes.length) {
      if (this.#afterCr) {
        this.#afterCr = false;
        if (bytes[at] === LF) {
          at++;
          continue;
        }
      }
      if (nextCr >= 0 && nextCr < at) nextCr = bytes.indexOf(CR, at);
      if (nextLf >= 0 && nextLf < at) nextLf = bytes.indexOf(LF, at);
      const end = nextCr < 0 || (nextLf >= 0 && nextLf < nextCr)
        ? nextLf
        : nextCr;
      if (end < 0) {
        this.#hold(bytes.subarray(at));
        break;
      }
      const message = this.#endLine(bytes.subarray(at, end));
      if (message) messages.push(message);
      this.#afterCr = bytes[end] === CR;
      at = end + 1;
    }
    return messages;
  }

  /** Drops a byte order mark at the very start, even when it comes in pieces. */
  #passBom(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#bomSeen < BOM.length) {
      if (bytes[at] !== BOM[this.#bomSeen]) {
        // No mark after all: what looked like one is the start of a line.
        this.#hold(Uint8Array.from(BOM.slice(0, this.#bomSeen)));
        this.#bomSeen = BOM.length;
        return at;
      }
      at++;
      this.#bomSeen++;
    }
    return at;
  }

  #hold(part: Uint8Array) {
    if (this.#skipping) {
      // Only whether the line is empty matters, to find the end of the event.
      this.#partialLength = Math.min(1, this.#partialLength + part.length);
      return;
    }
    const length = this.#partialLength;
    const first = length > 0 ? this.#partial[0] : part[0];
    // Of a comment only the colon matters.
    const comment = first === COLON;
    if (comment) part = part.subarray(0, length > 0 ? 0 : 1);
    if (!comment && this.#size + length + part.length > this.#maxEventBytes) {
      this.#skip();
      this.#partialLength = 1;
      return;
    }
    if (length + part.length > this.#partial.length) {
      const grown = new Uint8Array(
        Math.max(FIRST_BUFFER_BYTES, 2 * length, length + part.length),
      );
      grown.set(this.#partial.subarray(0, length));
      this.#partial = grown;
    }
    this.#partial.set(part, length);
    this.#partialLength += part.length;
  }

  #endLine(rest: Uint8Array): SseMessage | undefined {
    if (this.#partialLength === 0) return this.#line(rest);
    this.#hold(rest);
    const line = this.#partial.subarray(0, this.#partialLength);
    this.#partialLength = 0;
    // It was not empty, so it does not end the event that is being skipped.
    if (this.#skipping) return undefined;
    // One long line must not keep its buffer for the life of the stream.
    if (line.length > FIRST_BUFFER_BYTES) this.#partial = new Uint8Array(0);
    return this.#line(line);
  }

  #line(line: Uint8Array): SseMessage | undefined {
    if (line.length === 0) return this.#endEvent();
    if (this.#skipping || line[0] === COLON) return undefined;
    this.#size += line.length + 1;
    if (this.#size > this.#maxEventBytes) return this.#skip();
    this.#field(this.#text.decode(line));
    return undefined;
  }

  #field(line: string) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#nextId = value;
    else if (name === "retry" && /^\d+$/.test(value)) {
      this.#onRetry(Number(value));
    }
  }

  #skip(): undefined {
    this.#skipping = true;
    this.#data = [];
    this.#partial = new Uint8Array(0);
    this.#onSkipped();
  }

  #endEvent(): SseMessage | undefined {
    const data = this.#data;
    const event = this.#event || "message";
    this.#data = [];
    this.#event = "";
    this.#id = this.#nextId;
    this.#size = 0;
    this.#skipping = false;
    if (data.length === 0) return undefined;
    return { id: this.#id, event, data: data.join("\n") };
  }
}
