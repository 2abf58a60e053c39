/** What the agent reads of the machine and of its own process. */
export const KERNEL_FILES: readonly string[] = [
  "/proc/stat",
  "/proc/meminfo",
  "/proc/self/net/dev",
  "/proc/self/cgroup",
  "/proc/self/limits",
  "/proc/pressure/memory",
];
