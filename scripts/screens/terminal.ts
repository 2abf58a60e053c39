/** Options for {@linkcode runInTerminal}. */
export interface TerminalOptions {
  readonly columns: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a person would have seen. */
export interface Screen {
  readonly code: number;
  /** Standard output and standard error as they came, lines ended by `\n`. */
  readonly screen: string;
}

/** What Deno writes itself before it runs a program. */
// deno-lint-ignore no-control-regex -- that is what it consists of
const LOADING = /\x1b\[0G\x1b\[2K\x1b\[J/g;

/**
 * Runs a program on a terminal of its own, by script(1) of util-linux, until it
 * ends.
 */
export async function runInTerminal(
  command: readonly string[],
  { columns, env = {} }: TerminalOptions,
): Promise<Screen> {
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const line = `stty cols ${columns} rows 40; exec ${words.join(" ")}`;
  const { code, stdout } = await new Deno.Command("script", {
    args: ["-q", "-e", "-c", line, "/dev/null"],
    env: { SHELL: "/bin/sh", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  return { code, screen: text.replaceAll("\r\n", "\n").replace(LOADING, "") };
}
