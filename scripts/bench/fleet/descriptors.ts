/** What a process has open beside its streams: files, listeners, libraries. */
const SPARE = 200;

/**
 * Whether each process may open that many connections. The runtime raises its
 * limit to the hard one by itself, so that is the one that counts.
 *
 * @returns what to do about it; undefined when there are enough.
 */
export function descriptorsMissing(connections: number): string | undefined {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  const needed = connections + SPARE;
  if (hard === "unlimited" || Number(hard) >= needed) return undefined;
  return `${connections} streams need ${needed} descriptors for each process, ` +
    `and the hard limit is ${hard}: raise it as root, with ` +
    `"prlimit --pid $$ --nofile=${needed}" in this shell, then run again`;
}
