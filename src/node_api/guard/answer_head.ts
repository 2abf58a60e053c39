import { Buffer } from "node:buffer";
import type { Framing } from "./request_head.ts";

/** What the guard must know of an answer to find the next one. */
export interface AnswerHead {
  /** 1xx: another answer follows. */
  readonly isInterim: boolean;
  /** The server ends the connection with it. */
  readonly isLast: boolean;
  readonly body: Framing;
}

/**
 * Where the head of an answer ends, its empty line included; -1 where it does
 * not yet.
 *
 * @param from What is before has been looked at.
 */
export function endOfAnswerHead(bytes: Uint8Array, from: number): number {
  // Three bytes of the four may have been there already.
  for (let at = Math.max(3, from); at < bytes.length; at++) {
    at = bytes.indexOf(LF, at);
    if (at < 0) return -1;
    if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) {
      return at + 1;
    }
  }
  return -1;
}

const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads the head of an answer of our own server.
 *
 * @param toHead Whether it answers a HEAD, which has no body whatever it says.
 * @throws {SyntaxError} when it is none.
 */
export function parseAnswerHead(
  bytes: Uint8Array,
  toHead: boolean,
): AnswerHead {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1");
  const status = Number(/^HTTP\/1\.[01] ([1-5][0-9]{2})[ \r]/.exec(text)?.[1]);
  if (Number.isNaN(status)) throw new SyntaxError("It is not an answer");
  const isInterim = status < 200;
  const isLast = /\r\nconnection: *close\r/i.test(text) ||
    text.startsWith("HTTP/1.0") &&
      !/\r\nconnection: *keep-alive\r/i.test(text);
  const framing = (): Framing => {
    if (toHead || isInterim || status === 204 || status === 304) return 0;
    if (/\r\ntransfer-encoding: *chunked\r/i.test(text)) return "chunked";
    const length = /\r\ncontent-length: *([0-9]+)\r/i.exec(text)?.[1];
    return length === undefined ? "until_end" : Number(length);
  };
  return { isInterim, isLast, body: framing() };
}
