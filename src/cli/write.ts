import { pause } from "../platform/pause.ts";

/** Standard output, standard error, or what a test gives instead. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Between two tries at a pipe that is full. */
const FULL_MS = 10;

/**
 * Writes a whole line; a reader that went away (`| head`) is no failure.
 *
 * @returns whether there is a reader.
 */
export function write(to: Sink, text: string): boolean {
  return writeAll(to, text + "\n");
}

/**
 * {@linkcode write} without the newline. Waits for a slow reader, also where
 * another process that has the same terminal or pipe has made it non-blocking,
 * which then holds for all of them.
 *
 * @param wait Lets some ms pass. @default halts the process
 */
export function writeAll(to: Sink, text: string, wait = pause): boolean {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += to.writeSync(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return false;
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      wait(FULL_MS);
    }
  }
  return true;
}
