import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";

/** What {@linkcode PullRequests} needs. */
export interface PullRequestsOptions {
  /** Pulls the whole state once. */
  readonly pull: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two pulls, but for the first one after a connect. */
const GAP_MS = 1_000;

/**
 * The pulls that the event feed causes.
 *
 * Of those that nobody waits for there is one at a time, and however often one
 * is asked for meanwhile, one more after it. Whatever a control plane sends,
 * they are a second apart; only a connect, which has been waited for already,
 * is followed by a pull at once.
 */
export class PullRequests {
  readonly #options: PullRequestsOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #lastStartMs = -Infinity;

  constructor(options: PullRequestsOptions) {
    this.#options = options;
  }

  /** Asks for a pull since the stream has been opened. */
  connected(signal: AbortSignal): void {
    this.#ask(0, signal);
  }

  /** Asks for a pull since the stream did not bring what it should. */
  missed(signal: AbortSignal): void {
    this.#ask(GAP_MS, signal);
  }

  /** Pulls as soon as one may start. @throws what the pull throws. */
  async instead(signal: AbortSignal): Promise<void> {
    await this.#pull(GAP_MS, signal);
  }

  /** Resolves when none is under way that nobody waits for. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #ask(gapMs: number, signal: AbortSignal) {
    if (this.#running) this.#again = true;
    else this.#running = this.#run(gapMs, signal);
  }

  async #run(gapMs: number, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    for (let gap = gapMs; !signal.aborted; gap = GAP_MS) {
      try {
        await this.#pull(gap, signal);
      } catch (error) {
        if (signal.aborted) break;
        log.warn("Pull for the event stream failed", {
          error: describeError(error),
        });
      }
      if (!this.#again) break;
    }
    this.#running = undefined;
  }

  async #pull(gapMs: number, signal: AbortSignal): Promise<void> {
    const { pull, clock } = this.#options;
    for (;;) {
      const earlyMs = this.#lastStartMs + gapMs - clock.elapsed();
      if (earlyMs <= 0) break;
      await clock.sleep(earlyMs, signal);
    }
    this.#again = false;
    this.#lastStartMs = clock.elapsed();
    await pull(signal);
  }
}
