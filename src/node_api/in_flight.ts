import { setImmediate } from "node:timers";

/**
 * Counts requests that are not answered yet, so that a stop can let them finish.
 *
 * `Deno.serve` has a graceful stop of its own, but that one waits for ever for
 * a peer that sent half a request, and cannot be cut short: aborting after it
 * ends the process. So requests are counted here, and the listener is aborted.
 */
export class InFlight {
  #count = 0;
  #leaving = false;
  #idle = Promise.withResolvers<void>();

  /** Requests that are not answered yet. */
  get count(): number {
    return this.#count;
  }

  /** Whether the listeners are about to go. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** Counts a request until `completed` settles: it is answered, or lost. */
  track(completed: Promise<void>): void {
    this.#count++;
    const done = () => {
      if (--this.#count === 0 && this.#leaving) this.#idle.resolve();
    };
    completed.then(done, done);
  }

  /** Marks an answer as the last one of its connection, and waits for it to go. */
  last(answer: Response, info: Deno.ServeHandlerInfo): Response {
    this.track(info.completed);
    answer.headers.set("connection", "close");
    return answer;
  }

  /** Resolves once no request is left. From now on answers close connections. */
  async leave(): Promise<void> {
    this.#leaving = true;
    // Reads are not counted, so one may just have been answered.
    await answersAreWritten();
    if (this.#count > 0) {
      await this.#idle.promise;
      await answersAreWritten();
    }
  }
}

/**
 * "Completed" means that the runtime has an answer. It writes it as soon as it
 * gets its turn, which is before it comes back here a few times.
 */
async function answersAreWritten(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
