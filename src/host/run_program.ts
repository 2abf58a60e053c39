import { spawn } from "node:child_process";

/** How a program of the system ended, and what it said. */
export interface ProgramEnd {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Most characters that are kept of what a program says. */
const MAX_OUTPUT = 64 * 1024;

/**
 * Runs a program of the system to its end, without a shell and without standard
 * input. The only place below `host/` that starts a process.
 *
 * @param signal Ends the program; its abort is thrown.
 * @throws {Error} of the system, such as ENOENT when there is no such program.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      stdio: ["ignore", "pipe", "pipe"],
      shell: false,
      ...(signal ? { signal } : {}),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(0, MAX_OUTPUT);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(0, MAX_OUTPUT);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
