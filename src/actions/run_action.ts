import { setImmediate } from "node:timers";
import { dirname } from "node:path";
import type { Clock } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { ExecutionStatus } from "../wire/bodies.ts";
import { formatDuration } from "../wire/duration.ts";
import { makePrivateCopy, type PrivateCopy } from "./private_copy.ts";
import {
  type ProcessOptions,
  type StartedProcess,
  startProcess,
} from "./start_process.ts";

/** Options for {@linkcode runAction}. */
export interface RunOptions {
  readonly executionId: string;
  readonly action: string;
  /** Absolute path of the configured executable. */
  readonly path: string;
  /** SHA-256 that the executable must have; absent when any will do. */
  readonly checksum?: string;
  /** What the process reads: JSON text. */
  readonly parameters: string;
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  /** Path of a folder to make, for the copy and to work in. */
  readonly folder: string;
  readonly clock: Clock;
}

/** How an action ended. */
export interface ActionOutcome {
  readonly status: ExecutionStatus;
  /** -1 when it did not end by itself. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Time to end after SIGTERM, before SIGKILL. */
export const GRACE_MS = 5_000;

/** Time for output that is still on its way when all of the group is gone. */
const DRAIN_MS = 1_000;

/** Why a process did not end by itself. */
type Interruption = "timeout" | "cancelled";

/**
 * Runs a private copy of an executable until it ends, its time is over, or
 * `stop` aborts. Whatever it has started in its process group ends with it.
 */
export async function runAction(
  options: RunOptions,
  stop: AbortSignal,
): Promise<ActionOutcome> {
  const { path, folder, checksum } = options;
  try {
    using copy = await makePrivateCopy(path, folder);
    if (checksum !== undefined && !isChecksum(checksum, copy.sha256)) {
      return notStarted(
        `the SHA-256 of ${path} is ${copy.sha256}, not as requested`,
      );
    }
    if (stop.aborted) return notStarted("the agent is stopping", "cancelled");
    return await runCopy(copy, options, stop);
  } catch (error) {
    return notStarted(whyNotStarted(error, options));
  }
}

/** The system names the copy only, which is gone when anybody reads of it. */
export function whyNotStarted(
  error: unknown,
  { path, folder }: Pick<RunOptions, "path" | "folder">,
): string {
  const text = describeError(error);
  // The runtimes give other codes for the same.
  const isAbout = (...codes: string[]) =>
    codes.some((code) => text.startsWith("spawn ") && text.endsWith(code));
  // All else that it names has been found.
  if (isAbout("ENOENT")) {
    return `${path} needs a program loader that this machine does not have`;
  }
  if (isAbout("EACCES", "EPERM")) {
    return `the system starts no program in ${dirname(folder)}: is it ` +
      `mounted with the option noexec?`;
  }
  return text;
}

function notStarted(
  why: string,
  status: ExecutionStatus = "error",
): ActionOutcome {
  const stderr = `plexd: not started: ${why}\n`;
  return { status, exitCode: -1, stdout: "", stderr };
}

function isChecksum(text: string, sha256: string): boolean {
  return text.toLowerCase().replace(/^sha256:/, "") === sha256;
}

async function runCopy(
  { command, workDir }: PrivateCopy,
  options: RunOptions,
  stop: AbortSignal,
): Promise<ActionOutcome> {
  const { executionId, action, parameters, timeoutMs, clock } = options;
  const started = await startWhenFree({
    command,
    workDir,
    env: {
      PATH: "/usr/bin:/bin",
      LANG: "C",
      PLEXD_EXECUTION_ID: executionId,
      PLEXD_ACTION: action,
    },
    input: `${parameters}\n`,
    maxOutputBytes: options.maxOutputBytes,
  });
  const interruption = await within(timeoutMs, clock, stop, started.exited);
  if (interruption) await end(started, clock);
  const { exitCode, signal } = await started.exited;
  await gone(started, clock);
  const { stdout, stderr } = started.output();
  const note = interruption === "timeout"
    ? `ended at its time limit of ${formatDuration(timeoutMs)}`
    : interruption === "cancelled"
    ? "ended because the agent stops"
    : signal && `ended by ${signal}`;
  return {
    status: interruption ?? (exitCode === 0 ? "success" : "failed"),
    exitCode: interruption ? -1 : exitCode,
    stdout,
    stderr: note ? `${stderr}\n[plexd: ${note}]\n` : stderr,
  };
}

/** Turns of the event loop that a copy may stay busy; far more than it does. */
const MAX_BUSY_TURNS = 1_000;

/**
 * Starts a process. Whatever else this program starts at the same moment holds
 * the copy, still open for writing then, until it has become another program:
 * the kernel starts nothing that is open for writing.
 */
async function startWhenFree(options: ProcessOptions): Promise<StartedProcess> {
  for (let turn = 0;; turn++) {
    const started = startProcess(options);
    const refusal = await started.refusal;
    if (!isBusy(refusal) || turn === MAX_BUSY_TURNS) return started;
    started.exited.catch(() => {}); // This one never began.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The runtime names the error in its text only. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(os error 26)");
}

/** Asks it to end, and ends it if it does not. */
async function end(started: StartedProcess, clock: Clock) {
  started.kill("SIGTERM");
  const never = new AbortController().signal;
  if (await within(GRACE_MS, clock, never, started.exited)) {
    started.kill("SIGKILL");
  }
}

/** What it has left running ends too; what has left its group is left alone. */
async function gone(started: StartedProcess, clock: Clock) {
  started.kill("SIGKILL");
  const never = new AbortController().signal;
  if (await within(DRAIN_MS, clock, never, started.closed)) started.abandon();
}

/** Waits for `work`. @returns what came first, when that was not `work`. */
async function within(
  ms: number,
  clock: Clock,
  stop: AbortSignal,
  work: Promise<unknown>,
): Promise<Interruption | undefined> {
  const done = new AbortController();
  const signal = AbortSignal.any([stop, done.signal]);
  const limit = clock.sleep(ms, signal)
    .then(() => "timeout" as const, () => "cancelled" as const);
  try {
    return await Promise.race([work.then(() => undefined), limit]);
  } finally {
    done.abort();
  }
}
