import { BuildError } from "./build_error.ts";

/** How a tool ended. */
export interface ToolRun {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options for {@linkcode runTool}. */
export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends a tool that takes too long. */
  readonly limitMs?: number;
}

/**
 * Runs a tool that a build needs, whatever comes of it.
 *
 * @throws {BuildError} when there is no such tool.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  { cwd, env, limitMs }: ToolOptions = {},
): Promise<ToolRun> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      ...(cwd === undefined ? {} : { cwd }),
      ...(limitMs === undefined
        ? {}
        : { signal: AbortSignal.timeout(limitMs) }),
    }).output();
    const decoder = new TextDecoder();
    return {
      success,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BuildError(
      `${program} is not there`,
      `install ${program}, or put it on PATH`,
      error,
    );
  }
}

/**
 * Runs a tool that has to succeed.
 *
 * @returns what it wrote to standard output.
 * @throws {BuildError} with what it complained about.
 */
export async function needTool(
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { success, stdout, stderr } = await runTool(program, args, options);
  if (success) return stdout;
  throw new BuildError(
    `${program} ${args[0] ?? ""} failed`,
    stderr.trim().split("\n").slice(-15).join("\n  "),
  );
}
