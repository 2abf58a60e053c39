import assert from "node:assert/strict";
import { parseEnvelope } from "../../src/wire/parse_envelope.ts";
import type { Envelope } from "../../src/wire/envelope.ts";

/** One frame of an event stream. */
export interface SseFrame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
  /** Of dialect 1. */
  readonly envelope: Envelope;
}

/** Reads an event stream block by block; knows just what this server sends. */
export class SseReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #buffer = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next block, without the empty line that ends it; undefined at the end. */
  async block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#buffer += value;
    }
  }

  /** The next event; comments are skipped. */
  async next(): Promise<SseFrame> {
    for (;;) {
      const block = await this.block();
      assert.ok(block !== undefined, "the stream ended");
      if (block.startsWith(":")) continue;
      const fields = new Map(
        block.split("\n").map((line) => {
          const colon = line.indexOf(": ");
          return [line.slice(0, colon), line.slice(colon + 2)];
        }),
      );
      const data = fields.get("data") ?? "";
      return {
        id: fields.get("id") ?? "",
        event: fields.get("event") ?? "",
        data,
        get envelope() {
          return parseEnvelope(data);
        },
      };
    }
  }

  /** The next event of a type; others are skipped. */
  async nextOf(type: string): Promise<SseFrame> {
    for (;;) {
      const frame = await this.next();
      if (frame.event === type) return frame;
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}
