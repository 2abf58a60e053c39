import { Buffer } from "node:buffer";
import {
  HEAD_TOO_LARGE,
  malformed,
  type Refusal,
  TARGET_TOO_LONG,
  UNKNOWN_CODING,
  UNKNOWN_EXPECTATION,
  WRONG_VERSION,
} from "./refusal.ts";

/** Most bytes of a request's head, its empty line included. */
export const LARGEST_HEAD_BYTES = 16_384;

/** Most bytes of a request target; the longest one that leads somewhere has 900. */
export const LONGEST_TARGET_BYTES = 4_096;

/** Most header fields of a request. */
export const MOST_FIELDS = 100;

/** Longest method that there is a name for. */
const LONGEST_METHOD = 32;

/** Method, two spaces, target, `HTTP/1.1`. */
const LONGEST_LINE = LONGEST_METHOD + LONGEST_TARGET_BYTES + 10;

/** Bytes of a message's body; `until_end` is for answers only. */
export type Framing = number | "chunked" | "until_end";

/** What the guard must know of a request to find the next one. */
export interface RequestHead {
  readonly isHead: boolean;
  readonly body: Framing;
}

/** Where a head ends, as far as it has come. */
export class HeadFinder {
  #lineStart = 0;
  #seen = 0;
  #lines = 0;

  /** Begins with another head. */
  reset(): void {
    this.#lineStart = this.#seen = this.#lines = 0;
  }

  /**
   * @param bytes All that has come of the head, and maybe more.
   * @returns where the head ends; undefined when it does not yet.
   */
  find(bytes: Uint8Array): number | Refusal | undefined {
    for (;;) {
      const at = bytes.indexOf(LF, this.#seen);
      if (at < 0) break;
      if (bytes[at - 1] !== CR) return malformed("bare line feed");
      const length = at - 1 - this.#lineStart;
      if (this.#lines === 0) {
        if (length === 0) return malformed("malformed request line");
        if (length > LONGEST_LINE) return TARGET_TOO_LONG;
      } else if (length === 0) return at + 1;
      this.#lines++;
      if (this.#lines > MOST_FIELDS + 1) return HEAD_TOO_LARGE;
      this.#seen = this.#lineStart = at + 1;
    }
    this.#seen = bytes.length;
    if (this.#lines === 0 && bytes.length > LONGEST_LINE) {
      return TARGET_TOO_LONG;
    }
    return bytes.length < LARGEST_HEAD_BYTES ? undefined : HEAD_TOO_LARGE;
  }
}

const CR = 0x0d;
const LF = 0x0a;

const REQUEST_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) (HTTP\/[0-9]\.[0-9])$/;
const FIELD =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/**
 * Reads a request's head to the letter: what two readers could take for
 * different requests is refused, so whatever stands behind the guard sees the
 * same requests as the guard does.
 *
 * @param bytes From the request line up to the empty line, both included.
 * @see RFC 9112, sections 2.2, 3, 5 and 6
 */
export function parseRequestHead(bytes: Uint8Array): RequestHead | Refusal {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1", 0, bytes.length - 4);
  const lines = text.split("\r\n");
  const line = REQUEST_LINE.exec(lines[0]!);
  if (!line) return malformed("malformed request line");
  const [, method = "", target = "", version] = line;
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return WRONG_VERSION;
  if (method.length > LONGEST_METHOD) {
    return malformed("malformed request line");
  }
  if (target.length > LONGEST_TARGET_BYTES) return TARGET_TOO_LONG;
  // Another form names a host of its own; a fragment is never sent.
  if (!target.startsWith("/") || target.includes("#")) {
    return malformed("malformed request target");
  }
  let length: string | undefined;
  let coding: string | undefined;
  let hosts = 0;
  for (let at = 1; at < lines.length; at++) {
    const field = FIELD.exec(lines[at]!);
    if (!field) return malformed("malformed header field");
    const value = field[2]!;
    switch (field[1]!.toLowerCase()) {
      case "host":
        if (++hosts > 1) return malformed("malformed host");
        break;
      case "content-length":
        if (length !== undefined || !/^[0-9]{1,15}$/.test(value)) {
          return malformed("malformed content length");
        }
        length = value;
        break;
      case "transfer-encoding":
        if (coding !== undefined) return malformed("two transfer codings");
        coding = value.toLowerCase();
        break;
      case "expect":
        if (value.toLowerCase() !== "100-continue") return UNKNOWN_EXPECTATION;
        break;
    }
  }
  const isHead = method === "HEAD";
  if (coding === undefined) return { isHead, body: Number(length ?? 0) };
  if (length !== undefined || version === "HTTP/1.0") {
    return malformed("a body of two lengths");
  }
  return coding === "chunked" ? { isHead, body: "chunked" } : UNKNOWN_CODING;
}
