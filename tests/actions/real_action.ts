import { setImmediate } from "node:timers";
import { type RunOptions } from "../../src/actions/run_action.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

/** A folder with executables that a test writes. */
export interface ActionFolder {
  readonly dir: string;
  readonly clock: FakeClock;
  /** Writes an executable. @returns its path. */
  script(text: string, mode?: number): string;
  /** How `runAction()` is called for an executable. */
  run(path: string, change?: Partial<RunOptions>): RunOptions;
}

/** Runs a test in a folder of its own, which is removed afterwards. */
export async function inActionFolder(
  work: (folder: ActionFolder) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "plexd-action-" });
  const clock = new FakeClock();
  let count = 0;
  try {
    await work({
      dir,
      clock,
      script(text, mode = 0o700) {
        const path = `${dir}/script-${count++}`;
        Deno.writeTextFileSync(path, text);
        Deno.chmodSync(path, mode);
        return path;
      },
      run: (path, change = {}) => ({
        executionId: "x-1",
        action: "act",
        path,
        parameters: `{"a":1}`,
        timeoutMs: 60_000,
        maxOutputBytes: 1 << 20,
        folder: `${dir}/run-${count++}`,
        clock,
        ...change,
      }),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Waits, without any time, until what a process does has been seen. */
export async function until(seen: () => boolean): Promise<void> {
  while (!seen()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Whether a process of this id is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
