/** A process by its number and the moment it started: numbers are used again. */
interface Process {
  readonly pid: number;
  readonly started: string;
}

/**
 * The processes that stand between a terminal and this one when it was started
 * through npx or a task. They do not pass a signal on; when one of them is
 * gone, whoever started us wants us gone, too.
 */
export function findLaunchers(): readonly Process[] {
  const found: Process[] = [];
  for (let pid = Deno.ppid; pid > 1;) {
    const process = look(pid);
    if (!process || !isLauncher(process.words)) break;
    found.push({ pid, started: process.started });
    pid = process.parent;
  }
  return found;
}

/** Whether all of them are still there. */
export function areAlive(launchers: readonly Process[]): boolean {
  return launchers.every(({ pid, started }) => look(pid)?.started === started);
}

function isLauncher([program = "", flag = "", line = ""]: readonly string[]) {
  const name = program.split(" ")[0]!.replace(/^.*\//, "");
  return /^(deno|node|npm|npx)$/.test(name) ||
    (name === "sh" && flag === "-c" && /^'?(deno|npx|npm)\b/.test(line));
}

/** What the kernel tells about a process; undefined when there is none. */
function look(
  pid: number,
): { parent: number; started: string; words: readonly string[] } | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    // The program's name may hold spaces and brackets; the last one ends it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), started: fields[19] ?? "", words };
  } catch {
    return undefined;
  }
}
