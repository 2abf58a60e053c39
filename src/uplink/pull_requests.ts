import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";

/** What {@linkcode PullRequests} needs. */
export interface PullRequestsOptions {
  /** Pulls the whole state once. */
  readonly pull: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whatever comes over a stream, it causes no more pulls than one in this time. */
const MIN_GAP_MS = 1_000;

/**
 * The pulls that the event feed causes, never two of them within a second.
 *
 * Of those that nobody waits for there is one at a time, and however often one
 * is asked for meanwhile, one more after it.
 */
export class PullRequests {
  readonly #options: PullRequestsOptions;
  #running: Promise<void> | undefined;
  #again = false;
  /** Before this moment, none may start. */
  #earliestMs = -Infinity;

  constructor(options: PullRequestsOptions) {
    this.#options = options;
  }

  /** Sees to it that a pull starts now or after the one that is under way. */
  ask(signal: AbortSignal): void {
    if (this.#running) this.#again = true;
    else this.#running = this.#run(signal);
  }

  /** Pulls as soon as one may start. @throws what the pull throws. */
  async now(signal: AbortSignal): Promise<void> {
    const { pull, clock } = this.#options;
    const waitMs = Math.max(0, this.#earliestMs - clock.elapsed());
    this.#earliestMs = clock.elapsed() + waitMs + MIN_GAP_MS;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    this.#again = false;
    await pull(signal);
  }

  /** Resolves when none is under way that nobody waits for. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    do {
      try {
        await this.now(signal);
      } catch (error) {
        if (signal.aborted) break;
        log.warn("Pull for the event stream failed", {
          error: describeError(error),
        });
      }
    } while (this.#again && !signal.aborted);
    this.#running = undefined;
  }
}
