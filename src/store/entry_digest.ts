/** A sum has so many words of 32 bits. */
const WORDS = 8;

/**
 * One value for a set of entries, whatever their order: the XOR of their sums.
 * Adding, taking out or replacing an entry costs the same for any number of
 * entries, and an entry file that is missing or older than it should be shows.
 */
export class EntryDigest {
  readonly #words: Uint32Array<ArrayBuffer>;

  /** @param hex 64 hex digits of an earlier digest; none for the empty set. */
  constructor(hex?: string) {
    this.#words = hex ? wordsOf(hex) : new Uint32Array(WORDS);
  }

  get hex(): string {
    return new Uint8Array(this.#words.buffer).toHex();
  }

  /** Puts an entry in, or takes it out again. */
  toggle(sum: string): void {
    const words = wordsOf(sum);
    for (let at = 0; at < words.length; at++) {
      this.#words[at] = this.#words[at]! ^ words[at]!;
    }
  }
}

/** In whatever order this machine has bytes: XOR has none. */
function wordsOf(hex: string): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint8Array.fromHex(hex).buffer, 0, WORDS);
}
