/**
 * Wall time in ms since the Unix epoch, finer than `Date.now()`: to compare
 * moments in two processes of one machine.
 */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
