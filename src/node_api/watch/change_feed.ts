import { type Clock, isoTime } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type {
  WatchChange,
  WatchKind,
  WatchResetReason,
} from "../../wire/watch.ts";

/** Changes that are remembered for readers that come back. */
export const CHANGES_KEPT = 4_096;

/** What becomes durable at once is told one by one only up to this. */
export const MOST_AT_ONCE = CHANGES_KEPT / 2;

/** A change, as the part tells it that has made it durable. */
export type NotedChange = Omit<WatchChange, "at">;

/** A change with its place in the order of all. */
export interface FeedChange {
  readonly seq: number;
  readonly kind: WatchKind;
  readonly key: string;
  /** The {@linkcode WatchChange} as JSON. */
  readonly json: string;
}

/** Where a reader begins. */
export interface FeedStart {
  /** It has all changes up to this one. */
  readonly seq: number;
  /** Why it does not have all that came before; undefined when it does. */
  readonly reset?: WatchResetReason;
}

/**
 * The latest changes of what the local API serves, in the order in which they
 * became durable. A position is `<run>.<number>`, and the run is made by chance:
 * one of another run is never taken for one of this.
 */
export class ChangeFeed {
  readonly #clock: Clock;
  readonly #run: string;
  /** As a ring: the change `seq` is at `seq % CHANGES_KEPT`. */
  readonly #kept: FeedChange[] = [];
  readonly #listeners = new Set<() => void>();
  #last = 0;
  /** The changes up to this one are not told one by one. */
  #skippedTo = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#run = random.bytes(8).toHex();
  }

  /** The number of the latest change; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Up to here changes were too many at once to be told. */
  get skippedTo(): number {
    return this.#skippedTo;
  }

  /** Notes what is durable now, so that whoever hears of it can read it. */
  note(changes: readonly NotedChange[]): void {
    if (changes.length === 0) return;
    const at = isoTime(this.#clock.now());
    if (changes.length > MOST_AT_ONCE) {
      this.#skippedTo = this.#last += 1;
      // Nobody will ask for what was before.
      this.#kept.length = 0;
    } else {
      for (const change of changes) this.#keep(change, at);
    }
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every note. @returns What ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The text of a place in the order. */
  positionOf(seq: number): string {
    return `${this.#run}.${seq}`;
  }

  /** Where a reader begins that names the position it has come to. */
  startAt(position: string): FeedStart {
    const found = /^([0-9a-f]{16})\.(0|[1-9][0-9]{0,14})$/.exec(position);
    const from = (reset: WatchResetReason) => ({ seq: this.#last, reset });
    if (!found) return from("unknown_position");
    if (found[1] !== this.#run) return from("restarted");
    const seq = Number(found[2]);
    if (seq > this.#last) return from("unknown_position");
    if (seq < this.#skippedTo) return from("too_many_changes");
    return this.isKeptAfter(seq) ? { seq } : from("too_old");
  }

  /** Whether all that came after `seq` is remembered. */
  isKeptAfter(seq: number): boolean {
    return seq >= this.#skippedTo && seq >= this.#last - CHANGES_KEPT;
  }

  /** A change that is kept. */
  get(seq: number): FeedChange {
    return this.#kept[seq % CHANGES_KEPT]!;
  }

  #keep(change: NotedChange, at: string) {
    const { kind, key } = change;
    const seq = ++this.#last;
    const json = JSON.stringify({ ...change, at });
    this.#kept[seq % CHANGES_KEPT] = { seq, kind, key, json };
  }
}
