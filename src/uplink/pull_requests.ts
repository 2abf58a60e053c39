import { describeError, type Logger } from "../platform/log.ts";

/** What {@linkcode PullRequests} needs. */
export interface PullRequestsOptions {
  /** Pulls the whole state once. */
  readonly pull: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/**
 * Pulls that nobody waits for: one at a time, and however often one is asked
 * for meanwhile, one more after it.
 */
export class PullRequests {
  readonly #options: PullRequestsOptions;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: PullRequestsOptions) {
    this.#options = options;
  }

  /** Sees to it that a pull starts now or after the one that is under way. */
  ask(signal: AbortSignal): void {
    if (this.#running) this.#again = true;
    else this.#running = this.#run(signal);
  }

  /** Resolves when no pull is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { pull, log } = this.#options;
    do {
      this.#again = false;
      try {
        await pull(signal);
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
