import assert from "node:assert/strict";
import { type SseMessage, SseParser } from "../../src/uplink/sse_parser.ts";
import { vectors } from "../../tests/vectors/load.ts";
import { concat, mangledBytes } from "./mangle.ts";
import type { ParserTrial } from "./parser_trial.ts";
import type { Seeded } from "./seeded.ts";

/** Low, so that events that are too long are among the inputs. */
const LIMIT = 256;

const STREAMS: readonly Uint8Array[] = vectors.sse_streams.vectors.flatMap(
  ({ chunks_b64: chunks }) =>
    chunks ? [concat(chunks.map((text) => Uint8Array.fromBase64(text)))] : [],
);

const PIECES: readonly Uint8Array[] = [
  "\r",
  "\n",
  "\r\n",
  "\n\n",
  ":",
  "data",
  "data: b\n",
  "id: 7\0\n",
  "id:\n",
  "retry: 0\n",
  "retry: 99999999999999999999\n",
  "event: x\n",
  "\ufeff",
  "x".repeat(200),
].map((text) => new TextEncoder().encode(text));

/**
 * The event stream: the messages that the standard says, wherever it is cut, none
 * longer than the limit; and a parser that has read all inputs holds no more
 * than one does.
 */
export function sseTrial(): ParserTrial {
  const long = new SseParser({ maxEventBytes: LIMIT });
  return {
    name: "event stream",
    next(random) {
      const input = streamOf(random);
      return {
        input,
        read() {
          const whole = readAll([input]);
          assert.deepEqual(whole.messages, messagesIn(input));
          assert.deepEqual(readAll(slices(input, random)), whole);
          for (const { id, event, data } of whole.messages) {
            for (const text of [id, event, data]) {
              assert.ok(text.length <= LIMIT, `${text.length} characters`);
            }
          }
          long.push(input);
          return whole.messages.length > 0;
        },
      };
    },
  };
}

function streamOf(random: Seeded): Uint8Array {
  const parts: Uint8Array[] = [random.pick(STREAMS)];
  for (let more = random.below(4); more > 0; more--) {
    parts.splice(random.below(parts.length + 1), 0, random.pick(PIECES));
  }
  const stream = concat(parts);
  return random.below(4) === 0 ? stream : mangledBytes(stream, random);
}

function readAll(pieces: readonly Uint8Array[]) {
  const asked: number[] = [];
  let skipped = 0;
  const parser = new SseParser({
    maxEventBytes: LIMIT,
    onRetry: (ms) => asked.push(ms),
    onSkipped: () => skipped++,
  });
  const messages = pieces.flatMap((piece) => parser.push(piece));
  return { messages, asked, skipped, lastEventId: parser.lastEventId };
}

function slices(bytes: Uint8Array, random: Seeded): Uint8Array[] {
  const most = random.below(8) === 0 ? 1 : 40;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const to = at + 1 + random.below(most);
    pieces.push(bytes.subarray(at, to));
    at = to;
  }
  return pieces;
}

const BYTES = new TextDecoder("latin1");
const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * What a stream says, read at once and line by line.
 *
 * @see the HTML standard, section 9.2.6, "Interpreting an event stream"
 */
function messagesIn(stream: Uint8Array): SseMessage[] {
  const hasMark = [0xef, 0xbb, 0xbf].every((byte, at) => stream[at] === byte);
  const bytes = hasMark ? stream.subarray(3) : stream;
  const messages: SseMessage[] = [];
  let [id, nextId, event, size] = ["", "", "", 0];
  let data: string[] = [];
  for (
    const { 1: { length } = "", index } of BYTES.decode(bytes)
      .matchAll(/([^\r\n]*)(?:\r\n|\r|\n)/g)
  ) {
    const line = TEXT.decode(bytes.subarray(index, index + length));
    if (line === "") {
      id = nextId;
      if (data.length > 0 && size <= LIMIT) {
        messages.push({ id, event: event || "message", data: data.join("\n") });
      }
      [data, event, size] = [[], "", 0];
      continue;
    }
    if (line.startsWith(":")) continue;
    size += length + 1;
    if (size > LIMIT) continue;
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") data.push(value);
    if (name === "event") event = value;
    if (name === "id" && !value.includes("\0")) nextId = value;
  }
  return messages;
}
