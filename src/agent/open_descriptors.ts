import type { KernelFiles } from "../platform/kernel_files.ts";
import { parseOpenFilesLimit } from "../sync/proc_text.ts";

/**
 * How many descriptors the agent has open, and may have.
 *
 * @returns undefined where the machine does not tell.
 */
export async function openDescriptors(
  kernel: KernelFiles,
): Promise<{ readonly open: number; readonly limit: number } | undefined> {
  const limit = parseOpenFilesLimit(await kernel.read("/proc/self/limits"));
  const open = kernel.openDescriptors();
  return limit === undefined || open === undefined
    ? undefined
    : { open, limit };
}
