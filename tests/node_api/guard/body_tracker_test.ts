import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BodyTracker,
  ChunkError,
} from "../../../src/node_api/guard/body_tracker.ts";
import type { Framing } from "../../../src/node_api/guard/request_head.ts";

const encoder = new TextEncoder();

/** How many bytes belong to the body when they come in parts of `step` bytes. */
function taken(framing: Framing, text: string, step = Infinity): number {
  const tracker = new BodyTracker(framing);
  const bytes = encoder.encode(text);
  let all = 0;
  for (let at = 0; at < bytes.length && !tracker.isComplete;) {
    const part = bytes.subarray(at, at + step);
    const size = tracker.take(part);
    all += size;
    at += part.length;
    if (size < part.length) assert.ok(tracker.isComplete);
  }
  return tracker.isComplete ? all : -1;
}

Deno.test("a body ends where its framing says, however it comes", () => {
  const rest = "GET / HTTP/1.1\r\n";
  const bodies: readonly [framing: Framing, body: string][] = [
    [0, ""],
    [5, "hello"],
    ["chunked", "0\r\n\r\n"],
    ["chunked", "5\r\nhello\r\n0\r\n\r\n"],
    ["chunked", "A\r\n0123456789\r\n01\r\nx\r\n000\r\n\r\n"],
    [
      "chunked",
      '5;a=b;c="d"\r\nhel\r\n\r\n0;x\r\nTrailer: 1\r\nMore: 2\r\n\r\n',
    ],
  ];
  for (const [framing, body] of bodies) {
    for (const step of [1, 2, 3, 7, Infinity]) {
      const found = taken(framing, body + rest, step);
      assert.equal(found, body === "" ? 0 : body.length, `${body} by ${step}`);
    }
  }
});

Deno.test("a body that has not come whole is not complete", () => {
  assert.equal(taken(5, "hell"), -1);
  assert.equal(taken("chunked", "5\r\nhello\r\n0\r\n"), -1);
  assert.equal(taken("until_end", "hello"), -1);
});

const broken = [
  "\r\n",
  "x\r\n",
  " 5\r\nhello\r\n0\r\n\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "-1\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\rhello",
  "5\r\nhello!\r\n",
  "5\r\nhello\n0\r\n\r\n",
  "5\r\nhello\rx",
  "5;a\nhello\r\n0\r\n\r\n",
  "0\r\n\nGET",
  "0\r\nTrailer: 1\nGET",
  "0\r\n\rGET",
  `${"0".repeat(13)}\r\n`,
  `1;${"x".repeat(5_000)}\r\n`,
  `0\r\n${"T: 1\r\n".repeat(2_000)}`,
];

Deno.test("chunks that two readers could take for different ones are refused", () => {
  for (const text of broken) {
    for (const step of [1, Infinity]) {
      assert.throws(
        () => taken("chunked", text, step),
        ChunkError,
        JSON.stringify(text.slice(0, 40)),
      );
    }
  }
});

Deno.test("chunks of any sizes, in parts of any sizes, end where they end", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 400 }), (chunks, step) => {
      const body = chunks.map((size) =>
        `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`
      ).join("") + "0\r\n\r\n";
      assert.equal(taken("chunked", `${body}rest`, step), body.length);
    }),
  );
});
