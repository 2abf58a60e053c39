import assert from "node:assert/strict";
import { TREE } from "./make_release.ts";

/** What a finished program wrote and how it ended. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options for {@linkcode run}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on standard input. @default nothing */
  readonly stdin?: string;
}

/** Runs a program to its end, without a terminal to ask at. */
export async function run(
  words: readonly string[],
  { env = {}, stdin = "" }: RunOptions = {},
): Promise<Finished> {
  const child = new Deno.Command("setsid", {
    args: ["-w", ...words],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** The text of install.sh, which is piped into a shell as it is from curl. */
export const SCRIPT: string = Deno.readTextFileSync(`${TREE}install.sh`);

/** Pipes install.sh into a shell. */
export async function pipeScript(
  args: readonly string[],
  options: Omit<RunOptions, "stdin"> & {
    /** @default {["sh"]} */
    readonly shell?: readonly string[];
  } = {},
): Promise<Finished> {
  const { shell = ["sh"], ...rest } = options;
  return await run([...shell, "-s", "--", ...args], { ...rest, stdin: SCRIPT });
}

/** Whether a program is installed; where CI is "true" it has to be. */
export async function has(program: string, debian: string): Promise<boolean> {
  const { code } = await run(["sh", "-c", `command -v ${program}`]);
  if (code === 0) return true;
  const why = `${program} is not installed (Debian package ${debian})`;
  assert.notEqual(Deno.env.get("CI"), "true", why);
  // deno-lint-ignore no-console
  console.log(`left out: ${why}`);
  return false;
}
