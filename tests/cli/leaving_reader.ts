import assert from "node:assert/strict";
import { plexdCommand } from "./run_plexd.ts";

/**
 * Runs a command whose reader leaves after the first text, as `| head` does.
 *
 * @param left Called once it has; there is more to print after that.
 * @returns the exit code.
 */
export async function readerLeaves(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  first: RegExp,
  left: () => void,
): Promise<number> {
  const [program, ...args] = plexdCommand(words);
  const process = new Deno.Command(program!, {
    args,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), first);
  await reader.cancel();
  left();
  return (await process.status).code;
}
