/** Room at first: most actions say less than that. */
const FIRST_ROOM = 4_096;

/**
 * Keeps the first bytes of a process's output, and counts the others.
 *
 * They are copied together: a process may write a byte at a time, and a million
 * pieces kept as they came take far more memory than what they hold.
 */
export class BoundedOutput {
  readonly #limit: number;
  #bytes = new Uint8Array(0);
  #kept = 0;
  #leftOut = 0;

  /** @param limit Most bytes that are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Uint8Array): void {
    const part = chunk.subarray(0, this.#limit - this.#kept);
    this.#leftOut += chunk.length - part.length;
    if (part.length === 0) return;
    this.#makeRoom(this.#kept + part.length);
    this.#bytes.set(part, this.#kept);
    this.#kept += part.length;
  }

  /** What was kept, and a last line about what was not. */
  text(): string {
    const isCut = this.#leftOut > 0;
    const kept = this.#bytes.subarray(0, this.#kept);
    // A character that the limit cut in two is left out whole.
    const text = new TextDecoder().decode(kept, { stream: isCut });
    return isCut
      ? `${text}\n[plexd: ${this.#leftOut} more bytes were left out]\n`
      : text;
  }

  /** Doubles, so that each byte is copied twice at most, on average. */
  #makeRoom(length: number) {
    const { length: room } = this.#bytes;
    if (length <= room) return;
    const wanted = Math.max(length, 2 * room, FIRST_ROOM);
    const bytes = new Uint8Array(Math.min(wanted, this.#limit));
    bytes.set(this.#bytes.subarray(0, this.#kept));
    this.#bytes = bytes;
  }
}
