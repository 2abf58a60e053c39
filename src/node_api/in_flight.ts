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

  /** Whether the listeners are about to go. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** Counts a request until `completed` settles: its answer is sent, or lost. */
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
    // Reads are not counted: theirs are answers that the runtime already has,
    // and it writes them before it comes back to these callbacks.
    for (let turn = 0; turn < 3; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (this.#count > 0) await this.#idle.promise;
  }
}
