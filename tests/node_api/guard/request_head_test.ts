import assert from "node:assert/strict";
import {
  HeadFinder,
  LARGEST_HEAD_BYTES,
  LONGEST_TARGET_BYTES,
  MOST_FIELDS,
  parseRequestHead,
} from "../../../src/node_api/guard/request_head.ts";

/** Latin-1, so that every byte can be written down. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/** What the guard makes of a head: its body, or the status of its refusal. */
function read(text: string): unknown {
  const all = bytes(text);
  const found = new HeadFinder().find(all);
  if (found === undefined) return "incomplete";
  if (typeof found === "object") return found.status;
  assert.equal(found, all.length, text);
  const head = parseRequestHead(all);
  return "status" in head ? head.status : head.body;
}

const line = "PUT /a HTTP/1.1\r\n";
const heads: readonly [what: string, head: string, expected: unknown][] = [
  ["a plain GET", "GET / HTTP/1.1\r\n\r\n", 0],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 0],
  ["a length", `${line}Content-Length: 12\r\n\r\n`, 12],
  ["space around a value", `${line}content-length: \t12 \r\n\r\n`, 12],
  ["chunks", `${line}Transfer-Encoding: Chunked\r\n\r\n`, "chunked"],
  ["an empty value", `${line}X:\r\n\r\n`, 0],
  ["a value of other bytes", `${line}X: \xe9\tx\r\n\r\n`, 0],
  ["an expectation", `${line}Expect: 100-Continue\r\n\r\n`, 0],
  ["half a head", `${line}Host: a\r\n`, "incomplete"],
  ["an empty first line", "\r\nGET / HTTP/1.1\r\n\r\n", 400],
  ["a bare LF after the first line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
  ["a bare LF after a field", `${line}Host: a\n\r\n`, 400],
  ["a bare LF as the last line", `${line}Host: a\r\n\n`, 400],
  ["a bare CR in a value", `${line}X: a\rb\r\n\r\n`, 400],
  ["a CR before the CR LF", `${line}X: a\r\r\n\r\n`, 400],
  ["a NUL in a value", `${line}X: a\0b\r\n\r\n`, 400],
  ["a folded line", `${line}X: a\r\n b\r\n\r\n`, 400],
  ["a folded line of a tab", `${line}X: a\r\n\tb\r\n\r\n`, 400],
  ["space before the colon", `${line}Content-Length : 1\r\n\r\n`, 400],
  ["space before a name", `${line} Host: a\r\n\r\n`, 400],
  ["a field without a colon", `${line}Host\r\n\r\n`, 400],
  ["a field without a name", `${line}: a\r\n\r\n`, 400],
  ["a name of other bytes", `${line}X\xe9: a\r\n\r\n`, 400],
  [
    "two lengths, though equal",
    `${line}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
    400,
  ],
  ["a list of lengths", `${line}Content-Length: 1, 1\r\n\r\n`, 400],
  ["a signed length", `${line}Content-Length: +1\r\n\r\n`, 400],
  ["a negative length", `${line}Content-Length: -1\r\n\r\n`, 400],
  ["a hexadecimal length", `${line}Content-Length: 0x1\r\n\r\n`, 400],
  ["an empty length", `${line}Content-Length:\r\n\r\n`, 400],
  ["a huge length", `${line}Content-Length: 1${"0".repeat(15)}\r\n\r\n`, 400],
  [
    "a length and chunks",
    `${line}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
  ],
  [
    "chunks and a length",
    `${line}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`,
    400,
  ],
  [
    "chunks twice",
    `${line}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
  ],
  [
    "chunks in HTTP/1.0",
    "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    400,
  ],
  ["another coding", `${line}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
  ["a hidden coding", `${line}Transfer-Encoding: xchunked\r\n\r\n`, 501],
  ["an empty coding", `${line}Transfer-Encoding:\r\n\r\n`, 501],
  ["two hosts", `${line}Host: a\r\nHost: a\r\n\r\n`, 400],
  ["another expectation", `${line}Expect: miracles\r\n\r\n`, 417],
  ["a URL as target", "GET http://a/ HTTP/1.1\r\n\r\n", 400],
  ["an authority as target", "CONNECT a:1 HTTP/1.1\r\n\r\n", 400],
  ["a star as target", "OPTIONS * HTTP/1.1\r\n\r\n", 400],
  ["a fragment", "GET /a#b HTTP/1.1\r\n\r\n", 400],
  ["no target", "GET HTTP/1.1\r\n\r\n", 400],
  ["a target of two words", "GET /a b HTTP/1.1\r\n\r\n", 400],
  ["two spaces", "GET  / HTTP/1.1\r\n\r\n", 400],
  ["a tab for a space", "GET\t/ HTTP/1.1\r\n\r\n", 400],
  ["a target of other bytes", "GET /\xe9 HTTP/1.1\r\n\r\n", 400],
  ["a method of other bytes", "G(T / HTTP/1.1\r\n\r\n", 400],
  ["a long method", `${"G".repeat(33)} / HTTP/1.1\r\n\r\n`, 400],
  ["no version", "GET /\r\n\r\n", 400],
  ["another version", "GET / HTTP/2.0\r\n\r\n", 505],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505],
  ["a version in lower case", "GET / http/1.1\r\n\r\n", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\n", 400],
  [
    "the longest target",
    `GET /${"a".repeat(LONGEST_TARGET_BYTES - 1)} HTTP/1.1\r\n\r\n`,
    0,
  ],
  [
    "a longer target",
    `GET /${"a".repeat(LONGEST_TARGET_BYTES)} HTTP/1.1\r\n\r\n`,
    414,
  ],
  ["a target without an end", `GET /${"a".repeat(5_000)}`, 414],
  ["the most fields", `${line}${"X: 1\r\n".repeat(MOST_FIELDS)}\r\n`, 0],
  [
    "more fields",
    `${line}${"X: 1\r\n".repeat(MOST_FIELDS + 1)}\r\n`,
    431,
  ],
  [
    "the largest head",
    `${line}X: ${"a".repeat(LARGEST_HEAD_BYTES - line.length - 7)}\r\n\r\n`,
    0,
  ],
  [
    "a larger head",
    `${line}X: ${"a".repeat(LARGEST_HEAD_BYTES - line.length)}`,
    431,
  ],
];

for (const [what, head, expected] of heads) {
  Deno.test(`a request head with ${what} reads as ${expected}`, () => {
    assert.deepEqual(read(head), expected);
  });
}

Deno.test("a head that comes byte by byte is found where a whole one is", () => {
  for (const [what, head] of heads) {
    const all = bytes(head);
    const whole = new HeadFinder().find(all);
    const finder = new HeadFinder();
    let found: unknown;
    for (let size = 1; size <= all.length && found === undefined; size++) {
      found = finder.find(all.subarray(0, size));
    }
    assert.deepEqual(found, whole, what);
  }
});
