import assert from "node:assert/strict";
import fc from "fast-check";
import { type SseMessage, SseParser } from "../../src/uplink/sse_parser.ts";
import { vectors } from "../vectors/load.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** What a parser makes of a stream that comes in these pieces. */
function parse(pieces: readonly Uint8Array[], maxEventBytes = 1 << 22) {
  let retryMs: number | null = null;
  let skipped = 0;
  const parser = new SseParser({
    maxEventBytes,
    onRetry: (ms) => retryMs = ms,
    onSkipped: () => skipped++,
  });
  const messages = pieces.flatMap((piece) => parser.push(piece));
  return { messages, lastEventId: parser.lastEventId, retryMs, skipped };
}

function slice(bytes: Uint8Array, ...cuts: number[]): Uint8Array[] {
  const ends = [...cuts, bytes.length].sort((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

Deno.test("the vectors hold 35 streams, of which one only says how long its events are", () => {
  const { vectors: streams } = vectors.sse_streams;
  const whole = streams.filter((one) => one.chunks_b64 && one.expected);
  assert.deepEqual([streams.length, whole.length], [35, 34]);
});

for (const vector of vectors.sse_streams.vectors) {
  const { chunks_b64: chunks, expected } = vector;
  if (!chunks || !expected) {
    // Too long to be written down: "generate" says in words what it is.
    Deno.test(`SseParser reads the vector "${vector.name}"`, () => {
      assert.equal(vector.name, "line-longer-than-64KiB");
      const text = `data: ${"x".repeat(70_000)}\n\ndata: after\n\n`;
      assert.deepEqual(
        parse(slice(encode(text), 10, 40_000, 65_536)).messages
          .map(({ data }) => data.length),
        vector.expected_event_data_lengths,
      );
    });
    continue;
  }

  Deno.test(`SseParser reads the vector "${vector.name}"`, () => {
    const result = parse(chunks.map((chunk) => Uint8Array.fromBase64(chunk)));
    assert.deepEqual(
      result.messages,
      expected.events.map(({ type, data, lastEventId }) => ({
        id: lastEventId,
        event: type,
        data,
      })),
    );
    assert.equal(result.lastEventId, expected.last_event_id);
    assert.equal(result.retryMs, expected.retry_ms);
  });

  Deno.test(`SseParser reads "${vector.name}" the same wherever it is cut`, () => {
    const pieces = chunks.map((chunk) => Uint8Array.fromBase64(chunk));
    const whole = new Uint8Array(pieces.flatMap((piece) => [...piece]));
    const expectedResult = parse(pieces);
    for (let cut = 0; cut <= whole.length; cut++) {
      assert.deepEqual(parse(slice(whole, cut)), expectedResult, `at ${cut}`);
    }
    const single = slice(whole, ...whole.keys());
    assert.deepEqual(parse(single), expectedResult, "byte by byte");
  });
}

Deno.test("SseParser gives the same messages for any stream in any slices", () => {
  const line = fc.constantFrom(
    "data: a",
    "data:é😀",
    "data",
    "id: 7",
    "id:",
    "event: x",
    ": note",
    "retry: 20",
    "",
    "",
    "\ufeff",
    "junk",
  );
  const end = fc.constantFrom("\n", "\r", "\r\n");
  const stream = fc.array(fc.tuple(line, end), { maxLength: 30 });
  const cuts = fc.array(fc.nat({ max: 300 }), { maxLength: 12 });
  fc.assert(fc.property(stream, cuts, fc.constantFrom(20, 4_096), (
    lines,
    cuts,
    limit,
  ) => {
    const bytes = encode(lines.flat().join(""));
    const within = cuts.filter((cut) => cut <= bytes.length);
    assert.deepEqual(
      parse(slice(bytes, ...within), limit),
      parse([bytes], limit),
    );
  }));
});

Deno.test("SseParser never throws and never dispatches more than it was given", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
    (pieces) => {
      const given = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const { messages } = parse(pieces, 50);
      const data = messages.reduce((sum, { data }) => sum + data.length, 0);
      assert.ok(data <= given);
    },
  ));
});

const after = { id: "9", event: "message", data: "after" };

const tooLong = [
  { when: "on one line", event: `data: ${"x".repeat(200)}\n\n` },
  { when: "on many lines", event: "data: xxxx\n".repeat(20) + "\n" },
  { when: "in empty lines of data", event: "data\n".repeat(40) + "\n" },
  { when: "in another field", event: `event: ${"x".repeat(200)}\ndata\n\n` },
  {
    when: "followed by more lines",
    event: `data: ${"x".repeat(200)}\ndata: b\nid: 1\n\n`,
  },
];
for (const { when, event } of tooLong) {
  Deno.test(`SseParser skips an event over the limit ${when} and goes on`, () => {
    const bytes = encode(`id: 9\n\n${event}data: after\n\n`);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { messages, skipped } = parse(slice(bytes, cut), 100);
      assert.deepEqual(messages, [after], `cut at ${cut}`);
      assert.equal(skipped, 1, `cut at ${cut}`);
    }
    const single = parse(slice(bytes, ...bytes.keys()), 100);
    assert.deepEqual(single.messages, [after]);
  });
}

Deno.test("SseParser takes an event of exactly the limit, and none one byte longer", () => {
  const event = encode("data: 123\n\n"); // 10 bytes with its line end
  for (let cut = 0; cut <= event.length; cut++) {
    assert.equal(parse(slice(event, cut), 10).messages.length, 1);
    assert.equal(parse(slice(event, cut), 9).messages.length, 0);
  }
});

Deno.test("SseParser does not hold comments, however long", () => {
  const parser = new SseParser({
    maxEventBytes: 100,
    onSkipped: () => assert.fail("nothing is skipped"),
  });
  const messages: SseMessage[] = [];
  messages.push(...parser.push(encode("id: 9\ndata: af")));
  messages.push(...parser.push(encode("ter\n:")));
  for (let piece = 0; piece < 50; piece++) {
    messages.push(...parser.push(encode("x".repeat(99))));
  }
  messages.push(...parser.push(encode("\n\n")));
  assert.deepEqual(messages, [after]);
});

Deno.test("SseParser looks at each byte once: small slices of a long event are no burden", () => {
  const parser = new SseParser();
  const byte = encode("x");
  parser.push(encode("data: "));
  for (let at = 0; at < 2_000_000; at++) parser.push(byte);
  const [message] = parser.push(encode("\n\n"));
  assert.equal(message?.data.length, 2_000_000);
});

Deno.test("SseParser keeps an id only once its event has ended", () => {
  const { lastEventId } = parse([encode("id: 1\n\nid: 2\ndata: cut off")]);
  assert.equal(lastEventId, "1");
});

Deno.test("SseParser refuses a limit that is not at least 1", () => {
  for (const maxEventBytes of [0, -1, NaN]) {
    assert.throws(() => new SseParser({ maxEventBytes }), RangeError);
  }
});

const LIMIT = 256 * 1024;
const endless = [
  { of: "a line", start: "data: ", piece: "x" },
  { of: "a field name", start: "", piece: "x" },
  { of: "a comment", start: ":", piece: "x" },
  { of: "an id", start: "id: ", piece: "7" },
  { of: "lines of data", start: "", piece: "data: xxxxxxxx\n" },
  { of: "empty lines of data", start: "", piece: "data\n" },
  { of: "field names", start: "", piece: "abcdefgh\n" },
  { of: "comments", start: "", piece: ":keep-alive\n" },
  { of: "line ends", start: "", piece: "\r" },
  { of: "ids", start: "", piece: "id: 7\n" },
];
for (const { of, start, piece } of endless) {
  Deno.test(`SseParser holds little of ${of} without an end`, () => {
    const parser = new SseParser({ maxEventBytes: LIMIT });
    const bytes = encode(piece.repeat(Math.ceil(65_536 / piece.length)));
    const held = () => {
      const { heapUsed, external } = Deno.memoryUsage();
      return heapUsed + external;
    };
    parser.push(encode(start));
    const before = held();
    for (let count = 0; count < 300; count++) {
      assert.deepEqual(parser.push(bytes), []);
    }
    // 20 MiB are through. What only waits for the collector goes meanwhile.
    let least = Infinity;
    for (let count = 0; count < 100; count++) {
      parser.push(bytes);
      least = Math.min(least, held() - before);
    }
    assert.ok(least < 8 * 1024 * 1024, `${least} bytes`);
    const rest = parser.push(encode("\n\ndata: after\n\n"));
    assert.equal(rest.at(-1)?.data, "after");
  });
}
