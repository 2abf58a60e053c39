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

/**
 * When a process was started. `"gone"`: there is none of that number.
 * `"hidden"`: there is one, but its files are closed to this user. Undefined:
 * this process may not look, as one that has given up a permission.
 */
export function startTicksOf(
  pid: number,
): number | "gone" | "hidden" | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "gone";
    // It may end while it is looked at.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") {
      return "gone";
    }
    return error instanceof Deno.errors.PermissionDenied ? "hidden" : undefined;
  }
  // The name may hold spaces and brackets; the last bracket ends it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}
