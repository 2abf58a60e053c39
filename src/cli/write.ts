/** Standard output, standard error, or what a test gives instead. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes a whole line; a reader that went away (`| head`) is no failure.
 *
 * @returns whether there is a reader.
 */
export function write(to: Sink, text: string): boolean {
  return writeAll(to, text + "\n");
}

/** {@linkcode write} without the newline. */
export function writeAll(to: Sink, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
