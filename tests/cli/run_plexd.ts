import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assertListed } from "./listed_exit.ts";

/** The program under test, from source. */
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** What a finished command wrote and how it ended. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options for {@linkcode runPlexd}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** The program under test instead, if one was compiled. */
const BINARY = Deno.env.get("PLEXD_BIN");

/** The words that start plexd as a process. */
export function plexdCommand(args: readonly string[]): readonly string[] {
  if (BINARY !== undefined && BINARY !== "") return [resolve(BINARY), ...args];
  return [Deno.execPath(), "run", "-A", "--no-prompt", MAIN, ...args];
}

/** Runs plexd as a process until it ends. */
export async function runPlexd(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const [program, ...words] = plexdCommand(args);
  const process = new Deno.Command(program!, {
    args: words,
    // The runtime's own look for a newer one would go through a test's proxy.
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  // A process that ends without reading its input is no failure of the test.
  if (options.stdin !== undefined) {
    await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
  }
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await process.output();
  assertListed(args, code);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
