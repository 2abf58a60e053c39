import type { Clock } from "../platform/clock.ts";

/** So many are told one by one; then those whose number has doubled. */
export const TOLD_ONE_BY_ONE = 10;

/** After that long without, it is news again. */
const FORGOTTEN_MS = 3_600_000;

/** Texts that are told apart; the one that was said longest ago gives way. */
const MOST_TEXTS = 256;

/** As much of a text as tells it apart. */
const LONGEST_TEXT = 256;

interface Seen {
  readonly count: number;
  readonly lastMs: number;
}

/**
 * Knows what is said again and again. During an outage the same few sentences
 * come every minute: they must leave room for what was said before them.
 *
 * Texts that differ in their digits alone count as one, as for waits and
 * attempts. What is kept is bounded, whatever comes.
 */
export class Repeats {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns how often `text` was said by now, if that is to be told. */
  count(text: string): number | undefined {
    const nowMs = this.#clock.elapsed();
    const name = text.slice(0, LONGEST_TEXT).replaceAll(/\d+/g, "#");
    const known = this.#seen.get(name);
    const isNews = !known || nowMs - known.lastMs >= FORGOTTEN_MS;
    const count = isNews ? 1 : known.count + 1;
    // Last in the order of the map: said last.
    this.#seen.delete(name);
    this.#seen.set(name, { count, lastMs: nowMs });
    if (this.#seen.size > MOST_TEXTS) {
      const [oldest] = this.#seen.keys();
      this.#seen.delete(oldest!);
    }
    return count <= TOLD_ONE_BY_ONE || isDoubling(count) ? count : undefined;
  }
}

function isDoubling(count: number): boolean {
  return Number.isInteger(Math.log2(count / TOLD_ONE_BY_ONE));
}
