/** A long-lived piece of a process, with one lifecycle. */
export interface Part {
  readonly name: string;
  /**
   * Works until `signal` aborts, and settles only when its own sockets and
   * timers are gone. Settling earlier takes the whole process down.
   */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs all parts until `stop` aborts.
 *
 * @throws {Error} naming the part, with its failure as cause, when one ends
 * before it was asked to; the others are stopped first.
 */
export async function runTogether(
  parts: readonly Part[],
  stop: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([stop, failed.signal]);
  await Promise.all(parts.map(async (part) => {
    const cause = await outcome(part, signal);
    // Once aborted, any way of settling is just a part leaving.
    if (signal.aborted) return;
    failed.abort(new Error(`Part "${part.name}" ended early`, { cause }));
  }));
  failed.signal.throwIfAborted();
}

/** How a part ended: its failure, thrown at once or later, or undefined. */
async function outcome(part: Part, signal: AbortSignal): Promise<unknown> {
  try {
    await part.run(signal);
    return undefined;
  } catch (error) {
    return error;
  }
}
