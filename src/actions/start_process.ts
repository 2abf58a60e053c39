import { spawn } from "node:child_process";
import process from "node:process";
import { BoundedOutput } from "./bounded_output.ts";

/** Options for {@linkcode startProcess}. */
export interface ProcessOptions {
  /** Absolute path of what is executed. */
  readonly command: string;
  readonly workDir: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it reads on standard input. */
  readonly input: string;
  /** Most bytes that are kept of each of standard output and error. */
  readonly maxOutputBytes: number;
}

/** How a process ended. */
export interface ProcessEnd {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal?: string;
}

/** A process that has been started, and all that it starts in its group. */
export interface StartedProcess {
  /** Why it does not run; undefined when it does. */
  readonly refusal: Promise<unknown>;
  /** @throws when it could not be started at all. */
  readonly exited: Promise<ProcessEnd>;
  /** Nobody holds its standard output and error any more. */
  readonly closed: Promise<void>;
  /** Sends a signal to it and to everything it has started. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Stops reading, although somebody may still write. */
  abandon(): void;
  output(): { readonly stdout: string; readonly stderr: string };
}

/**
 * Starts an executable without a shell, in a process group and session of its
 * own. The only place that needs the permission to run something.
 */
export function startProcess(options: ProcessOptions): StartedProcess {
  const { command, workDir, env, input, maxOutputBytes } = options;
  const child = spawn(command, [], {
    cwd: workDir,
    env: { ...env },
    detached: true,
    shell: false,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout = new BoundedOutput(maxOutputBytes);
  const stderr = new BoundedOutput(maxOutputBytes);
  const refusal = Promise.withResolvers<unknown>();
  const exited = Promise.withResolvers<ProcessEnd>();
  const closed = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk: Uint8Array) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Uint8Array) => stderr.add(chunk));
  // It need not read what it was given.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.on("spawn", () => refusal.resolve(undefined));
  child.on("error", (error) => {
    refusal.resolve(error);
    exited.reject(error);
    closed.resolve();
  });
  child.on("exit", (code, signal) => {
    child.stdin.destroy();
    exited.resolve({
      exitCode: code ?? -1,
      ...(signal === null ? {} : { signal }),
    });
  });
  child.on("close", () => closed.resolve());
  return {
    refusal: refusal.promise,
    exited: exited.promise,
    closed: closed.promise,
    kill(signal) {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // Nobody of the group is left.
      }
    },
    abandon() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    output: () => ({ stdout: stdout.text(), stderr: stderr.text() }),
  };
}
