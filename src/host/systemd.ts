import type { Clock } from "../platform/clock.ts";
import { isMissing } from "../store/disk.ts";
import { HostError } from "./host_error.ts";
import { type ProgramEnd, runProgram } from "./run_program.ts";
import { statIfThere } from "./folders.ts";

/** Name of the agent's unit; those of further memberships are `plexd@NAME`. */
export const AGENT_UNIT = "plexd.service";

/** Where systemd says that it is the one that runs this machine. */
const RUNS = "/run/systemd/system";

/** Whether systemd runs this machine. */
export function systemdRuns(): boolean {
  return statIfThere(RUNS)?.isDirectory === true;
}

/** Reads all unit files anew. @throws {HostError} */
export async function reloadUnits(): Promise<void> {
  await demand("daemon-reload");
}

/** Has the unit started whenever the machine is. @throws {HostError} */
export async function enableUnit(unit: string): Promise<void> {
  await demand("enable", "--quiet", unit);
}

/** Stops units and has them started no more; those that do not run are fine. */
export async function dropUnits(units: readonly string[]): Promise<void> {
  await systemctl(["disable", "--quiet", "--now", ...units]);
}

/** The units of the agent that run or try to, of all memberships. */
export async function agentUnits(): Promise<string[]> {
  const { stdout } = await systemctl([
    "list-units",
    "--plain",
    "--no-legend",
    "--state=active,activating,reloading",
    AGENT_UNIT,
    "plexd@*.service",
  ]);
  return stdout.split("\n").map((line) => line.split(" ")[0] ?? "")
    .filter((unit) => /^plexd(@[^@\s]+)?\.service$/.test(unit));
}

/** The units of further memberships that start with the machine. */
export function enabledInstances(unitDir: string): string[] {
  try {
    return [...Deno.readDirSync(`${unitDir}/multi-user.target.wants`)]
      .map(({ name }) => name)
      .filter((name) => /^plexd@[^@]+\.service$/.test(name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Restarts a unit and waits until its agent says that it is ready.
 *
 * @param limitMs How long that may take.
 * @returns why it is not; undefined when it is.
 */
export async function restartUnit(
  unit: string,
  limitMs: number,
  clock: Clock,
): Promise<string | undefined> {
  using limit = limitOf(limitMs, clock);
  try {
    const { code, stderr } = await systemctl(["restart", unit], limit.signal);
    if (code !== 0) {
      // What follows the first line says where to look, as we do ourselves.
      const [first = ""] = stderr.trim().split("\n");
      return first.replace(/\.$/, "") || `systemctl ended with ${code}`;
    }
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    return `${unit} was not ready within ${limitMs / 1000} seconds`;
  }
  const { code } = await systemctl(["is-active", "--quiet", unit]);
  return code === 0 ? undefined : `${unit} ended right after its start`;
}

async function demand(...args: string[]): Promise<void> {
  const { code, stderr } = await systemctl(args);
  if (code === 0) return;
  throw new HostError(
    "failed",
    `systemctl ${args.join(" ")} failed: ${stderr.trim()}`,
    "do what it asks for, and run this again: what is done already is kept",
  );
}

async function systemctl(
  args: readonly string[],
  signal?: AbortSignal,
): Promise<ProgramEnd> {
  return await runProgram("systemctl", args, signal);
}

/** A signal that aborts when the time is over; disposing of it ends the wait. */
function limitOf(ms: number, clock: Clock) {
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => over.abort(new DOMException("Too late", "TimeoutError")),
    () => {},
  );
  return {
    signal: over.signal,
    [Symbol.dispose]: () => done.abort(),
  };
}
