import type { Clock } from "../platform/clock.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import type { VerifiedEvent } from "../wire/envelope.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** What {@linkcode IssueOrder} works with. */
export interface IssueOrderOptions {
  /** When the latest recorded event of a type was issued, ms since the epoch. */
  readonly lastIssuedMs: (type: string) => number | undefined;
  readonly clock: Clock;
}

/**
 * Keeps events of one type in the order of issue, for control planes that do
 * not number their states.
 *
 * An event that is dated ahead counts as issued when it came: it would
 * otherwise shut out all that follow it.
 */
export class IssueOrder {
  readonly #options: IssueOrderOptions;
  /** Of the latest event that was taken, durable or not. */
  #takenMs: number | undefined;
  #durableMs: number | undefined;

  constructor(options: IssueOrderOptions) {
    this.#options = options;
  }

  /**
   * Makes an event's effect durable; `work` is to call {@linkcode take}. When
   * it is not stored, the event comes again, and must not find itself too old.
   */
  async apply(
    event: VerifiedEvent,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const issuedMs = this.#issuedMs(event);
    try {
      await work();
      this.#durableMs = Math.max(this.#durableMs ?? -Infinity, issuedMs);
    } catch (error) {
      if (error instanceof StoreWriteError) this.#takenMs = this.#durableMs;
      throw error;
    }
  }

  /** @throws {RefusedEventError} kind "outdated" when a later one was taken. */
  take(event: VerifiedEvent): void {
    const { clock, lastIssuedMs } = this.#options;
    const issuedMs = this.#issuedMs(event);
    // What was recorded is asked for once: the record keeps dates ahead.
    const takenMs = this.#takenMs ?? lastIssuedMs(event.type) ?? -Infinity;
    if (issuedMs < Math.min(takenMs, clock.now())) {
      throw new RefusedEventError("outdated", "a later event was applied");
    }
    this.#takenMs = Math.max(Math.min(takenMs, clock.now()), issuedMs);
  }

  #issuedMs({ issuedAtMs }: VerifiedEvent): number {
    return Math.min(issuedAtMs, this.#options.clock.now());
  }
}
