import type { Framing } from "./request_head.ts";

/** A chunked body is not one. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
}

/** Hex digits of a chunk's size: more than any body has. */
const MOST_DIGITS = 12;

/** Most bytes of a chunk's extensions, and of all trailers. */
const MOST_EXTRA_BYTES = 4_096;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const TAB = 0x09;
const DEL = 0x7f;

/** Finds the end of a message's body while it passes by, and keeps none of it. */
export class BodyTracker {
  #left: number;
  /** What comes next in a chunked body; undefined in another one. */
  #next: Expected | undefined;
  #digits = 0;
  #extra = 0;

  constructor(framing: Framing) {
    this.#left = typeof framing === "number" ? framing : 0;
    if (framing === "chunked") this.#next = "size";
    if (framing === "until_end") this.#left = Infinity;
  }

  /** Whether all of it has passed. */
  get isComplete(): boolean {
    return this.#next === undefined ? this.#left === 0 : this.#next === "end";
  }

  /**
   * Lets bytes pass.
   *
   * @returns how many of them belong to the body.
   * @throws {ChunkError}
   */
  take(bytes: Uint8Array): number {
    if (this.#next !== undefined) return this.#takeChunked(bytes);
    const taken = Math.min(this.#left, bytes.length);
    this.#left -= taken;
    return taken;
  }

  #takeChunked(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#next !== "end") {
      if (this.#next === "data") {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
        if (this.#left === 0) this.#next = "data_cr";
      } else this.#next = this.#after(bytes[at++]!);
    }
    return at;
  }

  /** What comes after a byte that is not data. */
  #after(byte: number): Expected {
    switch (this.#next) {
      case "size":
        return this.#afterSize(byte);
      case "extension":
        if (byte === CR) return "size_lf";
        this.#countExtra(byte);
        return "extension";
      case "size_lf":
        expect(byte, LF);
        this.#digits = 0;
        if (this.#left > 0) return "data";
        return "trailer_start";
      case "data_cr":
        expect(byte, CR);
        return "data_lf";
      case "data_lf":
        expect(byte, LF);
        return "size";
      case "trailer_start":
        if (byte === CR) return "last_lf";
        this.#countExtra(byte);
        return "trailer";
      case "trailer":
        if (byte === CR) return "trailer_lf";
        this.#countExtra(byte);
        return "trailer";
      case "trailer_lf":
        expect(byte, LF);
        return "trailer_start";
      default:
        expect(byte, LF);
        return "end";
    }
  }

  #afterSize(byte: number): Expected {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > MOST_DIGITS) throw new ChunkError("Too large");
      this.#left = this.#left * 16 + digit;
      return "size";
    }
    if (this.#digits === 0) throw new ChunkError("A chunk without a size");
    if (byte === CR) return "size_lf";
    if (byte === SEMICOLON) return "extension";
    throw new ChunkError("A chunk's size is no number");
  }

  #countExtra(byte: number) {
    if (byte < 0x20 && byte !== TAB || byte === DEL) {
      throw new ChunkError("A control character");
    }
    if (++this.#extra > MOST_EXTRA_BYTES) throw new ChunkError("Too much");
  }
}

type Expected =
  | "size"
  | "extension"
  | "size_lf"
  | "data"
  | "data_cr"
  | "data_lf"
  | "trailer_start"
  | "trailer"
  | "trailer_lf"
  | "last_lf"
  | "end";

function expect(byte: number, expected: number) {
  if (byte !== expected) throw new ChunkError("A line that does not end");
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
