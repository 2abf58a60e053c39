import type { Clock } from "../../platform/clock.ts";
import type { CursorName, CursorStore } from "./cursor_store.ts";

/** How long a position may be remembered late. */
export const SAVE_EVERY_MS = 1_000;

/** How often a cursor is touched that does not move. */
const TOUCH_EVERY_MS = 24 * 60 * 60 * 1_000;

/**
 * The place of one consumer. A position is saved after what it stands for was
 * given out, at most a second later: a crash repeats changes, and loses none.
 */
export class Consumer {
  readonly #store: CursorStore;
  readonly #name: CursorName;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #ended = new AbortController();
  #saved: string | undefined;
  #savedMs: number;
  #reached: string | undefined;
  #saving: Promise<void> | undefined;

  /**
   * @param failed Hears when a position could not be saved; it is tried again
   * with the next one.
   * @throws {Error} of the system when the store cannot be used.
   */
  constructor(
    store: CursorStore,
    name: CursorName,
    clock: Clock,
    failed: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#name = name;
    this.#clock = clock;
    this.#failed = failed;
    this.#saved = store.use(name);
    this.#savedMs = clock.elapsed();
  }

  /** Where it has stopped before; undefined for a new one. */
  get position(): string | undefined {
    return this.#saved;
  }

  /** All up to this position was given out. */
  reached(position: string): void {
    const isOld = this.#clock.elapsed() - this.#savedMs >= TOUCH_EVERY_MS;
    if (position === this.#saved && !isOld) return;
    this.#reached = position;
    this.#saving ??= this.#saveSoon();
  }

  /** Saves what is not saved yet. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#saving;
  }

  async #saveSoon() {
    await this.#clock.sleep(SAVE_EVERY_MS, this.#ended.signal).catch(() => {});
    this.#saving = undefined;
    const position = this.#reached!;
    try {
      this.#store.save(this.#name, position);
      [this.#saved, this.#savedMs] = [position, this.#clock.elapsed()];
    } catch (error) {
      this.#failed(error);
    }
  }
}
