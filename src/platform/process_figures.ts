/** What this process holds. Null where the machine does not tell. */
export interface ProcessFigures {
  readonly open_descriptors: number | null;
  readonly resident_bytes: number;
  readonly heap_bytes: number;
}

/** Looks what this process holds now. */
export function processFigures(): ProcessFigures {
  const { rss, heapUsed } = Deno.memoryUsage();
  return {
    open_descriptors: countDescriptors(),
    resident_bytes: rss,
    heap_bytes: heapUsed,
  };
}

function countDescriptors(): number | null {
  try {
    // One of them is the folder that is being read.
    return [...Deno.readDirSync("/proc/self/fd")].length - 1;
  } catch {
    return null;
  }
}
