import type { Process } from "./workshop.ts";

/** Resident set size, as the kernel counts it. */
export function residentMiB({ pid }: Process): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** Time on processors until now, of all threads, in steps of 10 ms. */
export function cpuMs({ pid }: Process): number {
  return cpuMsOf(Deno.readTextFileSync(`/proc/${pid}/stat`));
}

/** Length of a tick: the kernel tells 100 a second to every program. */
const TICK_MS = 10;

/** @param stat Text of `/proc/PID/stat`, see proc_pid_stat(5). */
export function cpuMsOf(stat: string): number {
  // The second field is the program's name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = fields.slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}
