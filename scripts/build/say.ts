import { BuildError } from "./build_error.ts";

/** Tells on standard error what is being done. */
export type Say = (line: string) => void;

const encoder = new TextEncoder();

/** Writes a line to standard error. */
export function say(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** Bytes as people read them. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/**
 * Runs a task to its exit code; what stops it is told without a stack.
 *
 * @returns the exit code: 0, or 1 after a {@linkcode BuildError}.
 */
export async function runTask(task: () => Promise<void>): Promise<number> {
  try {
    await task();
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    say(`error: ${error.message}`);
    say(`  ${error.hint}`);
    return 1;
  }
}
