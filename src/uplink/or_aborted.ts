/**
 * Waits for `work`, which goes on when the caller leaves.
 *
 * @throws what `work` throws; the signal's reason.
 */
export async function orAborted(
  work: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
