/** Far more than anything takes that a scenario waits for. */
const LIMIT_MS = 120_000;
/** Between two looks. */
const LOOK_EVERY_MS = 20;

/**
 * Looks until `look` gives something else than `undefined`: the one place where
 * scenarios let real time pass. A look that throws counts as nothing seen.
 *
 * @throws {Error} naming `what` when it takes too long.
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  let last: unknown;
  do {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  } while (performance.now() < deadline);
  throw new Error(`Waited in vain: ${what}`, { cause: last });
}
