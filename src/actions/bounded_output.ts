/** Keeps the first bytes of a process's output, and counts the others. */
export class BoundedOutput {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
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
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  /** What was kept, and a last line about what was not. */
  text(): string {
    // A character that the limit cut in two is left out whole.
    const decoder = new TextDecoder();
    const isCut = this.#leftOut > 0;
    const texts = this.#chunks.map((chunk) =>
      decoder.decode(chunk, { stream: true })
    );
    const text = texts.join("") + (isCut ? "" : decoder.decode());
    return isCut
      ? `${text}\n[plexd: ${this.#leftOut} more bytes were left out]\n`
      : text;
  }
}
