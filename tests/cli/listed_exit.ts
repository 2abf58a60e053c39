import assert from "node:assert/strict";
import { exitsOf } from "../../src/cli/exit_codes.ts";
import { parseLine } from "../../src/cli/parse_args.ts";

/** Codes from here on are signals. */
const SIGNALS = 128;

/**
 * Asserts that help and manual name the code that a command has ended with, so
 * every test that runs one checks its list.
 */
export function assertListed(words: readonly string[], code: number): void {
  const command = commandOf(words);
  if (!command || code >= SIGNALS) return;
  const listed: readonly number[] = exitsOf(command);
  assert.ok(
    listed.includes(code),
    `plexd ${command.name} ended with ${code}, and its help names ${listed}`,
  );
}

/** What is wrong usage ends with 2, which all commands name. */
function commandOf(words: readonly string[]) {
  try {
    return parseLine(words).command;
  } catch {
    return undefined;
  }
}
