/** Work that several wait for; it is given up when the last of them leaves. */
export class SharedWork {
  readonly #over = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  /** @param begin Called at once. */
  constructor(begin: (signal: AbortSignal) => Promise<void>) {
    this.#done = begin(this.#over.signal);
    // Told to those who wait; perhaps nobody does any more.
    this.#done.catch(() => {});
  }

  /** Whether nobody waits any more: then it is of no use to others. */
  get isGivenUp(): boolean {
    return this.#over.signal.aborted;
  }

  /**
   * Waits for the end of it. Who leaves does so at once, and the others get what
   * they wait for; only the last one sees the work end.
   *
   * @throws what the work throws, or the reason of `signal`.
   */
  async wait(signal: AbortSignal): Promise<void> {
    const left = Promise.withResolvers<never>();
    const leave = () => {
      if (--this.#waiting === 0) this.#over.abort(signal.reason);
      else left.reject(signal.reason);
    };
    this.#waiting++;
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      await Promise.race([this.#done, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
