import { cpus } from "node:os";
import type { CpuTimes } from "../sync/proc_text.ts";

/**
 * Load of the machine as the runtime tells it, which looks for itself at what
 * it may let nobody else read.
 *
 * @returns undefined where it is told nothing either.
 */
export function runtimeCpuTimes(): CpuTimes | undefined {
  let [busy, total] = [0, 0];
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq;
    busy += working;
    total += working + times.idle;
  }
  return total > 0 ? { busy, total } : undefined;
}

/** Memory of the machine as the runtime tells it, in bytes. */
export function runtimeMemory():
  | { readonly used: number; readonly total: number }
  | undefined {
  const { total, free, available } = Deno.systemMemoryInfo();
  // Where it cannot see what could be had, it gives what is free in its place:
  // all caches would count as used.
  if (available === free) return undefined;
  return { used: Math.max(0, total - available), total };
}
