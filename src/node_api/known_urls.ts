import type { Destination } from "./router.ts";

/** Enough for what the programs on a node read over and over. */
const MOST_URLS = 2_048;

/** Longer ones are rare, and together they could hold a lot of memory. */
const LONGEST_URL = 256;

/**
 * Remembers where URLs lead, as reading the same few over and over is what
 * most programs do, and taking a URL apart is a good part of such a read.
 */
export class KnownUrls {
  readonly #known = new Map<string, Destination>();
  #host: string | null = null;

  /** @param host The Host field: with another one, a URL is split elsewhere. */
  get(url: string, host: string | null): Destination | undefined {
    return host === this.#host ? this.#known.get(url) : undefined;
  }

  /** Remembers a URL that leads somewhere. */
  add(url: string, host: string | null, destination: Destination): void {
    if (url.length > LONGEST_URL) return;
    if (host !== this.#host || this.#known.size >= MOST_URLS) {
      this.#known.clear();
      this.#host = host;
    }
    this.#known.set(url, destination);
  }
}
