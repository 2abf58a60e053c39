/**
 * One value for a set of entries, whatever their order: the XOR of their sums.
 * Adding, taking out or replacing an entry costs the same for any number of
 * entries, and an entry file that is missing or older than it should be shows.
 */
export class EntryDigest {
  readonly #bytes: Uint8Array;

  /** @param hex 64 hex digits of an earlier digest; none for the empty set. */
  constructor(hex?: string) {
    this.#bytes = hex ? Uint8Array.fromHex(hex) : new Uint8Array(32);
  }

  get hex(): string {
    return this.#bytes.toHex();
  }

  /** Puts an entry in, or takes it out again. */
  toggle(sum: string): void {
    const bytes = Uint8Array.fromHex(sum);
    for (let at = 0; at < bytes.length; at++) {
      this.#bytes[at] = this.#bytes[at]! ^ bytes[at]!;
    }
  }
}
