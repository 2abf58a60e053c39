const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/**
 * Halts the whole process for so many ms: for what has to be done before
 * anything else, and cannot be waited for in any other way.
 */
export function pause(ms: number): void {
  Atomics.wait(NOTHING, 0, 0, ms);
}
