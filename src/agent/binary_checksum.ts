import { createHash } from "node:crypto";

let known: string | undefined;
let reading: Promise<string> | undefined;

/**
 * SHA-256 of the running program in hex, for heartbeats and capabilities: of
 * the compiled binary, or of the runtime that runs from source. Read once, in
 * pieces, so that a hundred megabytes never lie in memory. What could not be read,
 * as without free descriptors, is read when it is asked for again.
 *
 * @returns an empty text when the program may not be read.
 * @see docs/wire.md, section e.1
 */
export async function binarySha256(): Promise<string> {
  if (known) return known;
  reading ??= compute().finally(() => reading = undefined);
  return known = await reading;
}

async function compute(): Promise<string> {
  const hash = createHash("sha256");
  try {
    using file = await openProgram();
    const buffer = new Uint8Array(1 << 18);
    for (;;) {
      const count = await file.read(buffer);
      if (count === null) break;
      hash.update(buffer.subarray(0, count));
    }
  } catch {
    return "";
  }
  return hash.digest("hex");
}

/** What runs, even when an update has put another file in its place. */
async function openProgram(): Promise<Deno.FsFile> {
  try {
    return await Deno.open("/proc/self/exe");
  } catch {
    return await Deno.open(Deno.execPath());
  }
}
