import { parseControlGroup } from "../sync/proc_text.ts";

/** Where control groups of version 2 are. */
export const CONTROL_GROUPS = "/sys/fs/cgroup";

/** What the agent reads of the machine and of its own process. */
const FILES: readonly string[] = [
  "/proc/stat",
  "/proc/meminfo",
  "/proc/self/net/dev",
  "/proc/self/cgroup",
  "/proc/self/limits",
  "/proc/pressure/memory",
];

/** The files that are to be open before permissions are given up. */
export function kernelFiles(): readonly string[] {
  return [...FILES, ...ownGroupFiles()];
}

/** How work of a control group waits for memory. */
export function memoryPressureOf(group: string, groups: string): string {
  return `${groups}${group === "/" ? "" : group}/memory.pressure`;
}

/** None where this process is in no such group, or may not look. */
function ownGroupFiles(): string[] {
  try {
    const text = Deno.readTextFileSync("/proc/self/cgroup");
    const group = parseControlGroup(text);
    return group === undefined ? [] : [memoryPressureOf(group, CONTROL_GROUPS)];
  } catch {
    return [];
  }
}
