import { versionText } from "./version.ts";
import { write } from "./write.ts";

/**
 * Runs one command line. Programs ask for the version often, and for nothing
 * else beside it: that answer comes before anything more is loaded.
 *
 * @param words The arguments, without the program's name.
 * @returns the exit code.
 */
export async function main(words: readonly string[]): Promise<number> {
  if (words.length === 1 && words[0] === "--version") {
    try {
      write(Deno.stdout, versionText());
      return 0;
    } catch {
      // What keeps it from being written is said below, as for all commands.
    }
  }
  const { runCli } = await import("./cli.ts");
  return await runCli(words);
}
