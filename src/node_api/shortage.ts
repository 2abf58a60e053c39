/** A listener is given up for the descriptors that it holds, or could not have. */
export class ShortageError extends Error {
  override readonly name = "ShortageError";
}

/** The process, or the machine, had no descriptor left. */
export function isShortage(error: unknown): boolean {
  return error instanceof ShortageError ||
    error instanceof Error && /too many open files/i.test(error.message);
}
