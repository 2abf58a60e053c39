import { setImmediate } from "node:timers";

/**
 * Collects jobs and hands them on in order, one batch at a time: what arrives
 * while a batch is being written shares the next one, and so its syncs.
 */
export class CommitQueue<Job> {
  readonly #commit: (jobs: readonly Job[]) => Promise<void> | void;
  #waiting: Job[] = [];
  #idle: Promise<void> | undefined;
  #closed = false;

  /** @param commit Settles every job of its batch itself, and never fails. */
  constructor(commit: (jobs: readonly Job[]) => Promise<void> | void) {
    this.#commit = commit;
  }

  /** @throws {TypeError} once closed. */
  add(job: Job): void {
    if (this.#closed) throw new TypeError("Cannot write: the store is closed");
    this.#waiting.push(job);
    this.#idle ??= this.#drain();
  }

  /** Takes no more jobs, and resolves when those it has are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#idle;
  }

  async #drain() {
    do {
      // One turn of the event loop: writers that are ready now come along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const jobs = this.#waiting;
      this.#waiting = [];
      await this.#commit(jobs);
    } while (this.#waiting.length > 0);
    this.#idle = undefined;
  }
}
