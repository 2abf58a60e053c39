/**
 * What tells one process from a later one under the same number: when it was
 * started, in clock ticks since the machine was. It never changes.
 *
 * @returns undefined where the system does not tell.
 * @see proc_pid_stat(5), field 22
 */
export function ownStartTicks(): number | undefined {
  if (!hasLooked) {
    hasLooked = true;
    const own = startTicksOf(Deno.pid);
    ownTicks = typeof own === "number" ? own : undefined;
  }
  return ownTicks;
}

/** Asked once: a process that has given up a permission cannot ask any more. */
let hasLooked = false;
let ownTicks: number | undefined;

/** What is known of one process beside its number. */
export type StartTicks = number | "gone" | "hidden" | undefined;

/** As last looked up: for a process that may not look any more. */
const seen = new Map<number, StartTicks>();

/**
 * When a process was started. `"gone"`: there is none of that number.
 * `"hidden"`: there is one, but its files are closed to this user. Undefined:
 * this process may not look, as one that has given up a permission, and has not
 * looked before.
 */
export function startTicksOf(pid: number): StartTicks {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name may hold spaces and brackets; the last bracket ends it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[19]);
    seen.set(pid, Number.isSafeInteger(ticks) ? ticks : undefined);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      return isThere(pid) ? seen.get(pid) : "gone";
    }
    // One that ends while it is looked at is not there any more.
    const isHidden = error instanceof Deno.errors.PermissionDenied;
    seen.set(pid, isHidden ? "hidden" : "gone");
  }
  return seen.get(pid);
}

/** Looking for a name is allowed where reading is not. */
function isThere(pid: number): boolean {
  try {
    Deno.lstatSync(`/proc/${pid}`);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
