import { closeSync, fstatSync, openSync, statSync } from "node:fs";

/** Files in which the kernel tells something else each time they are read. */
export interface KernelFiles {
  /** @throws as `Deno.readTextFile` does. */
  read(path: string): Promise<string>;
  /** How many descriptors this process has open; undefined where not told. */
  openDescriptors(): number | undefined;
}

/** A folder with one entry for each descriptor, and another way to it. */
const DESCRIPTORS = "/proc/self/fd";
const DESCRIPTORS_LINK = "/dev/fd";

/** More than any of these files is long. */
const MOST_BYTES = 1 << 20;

/**
 * Opens such files and holds them: a process that has given up any permission
 * may not open what is below `/proc`, but may read again what it has open. The
 * others are read as any file.
 *
 * @param paths One that cannot be opened is not held.
 */
export function openKernelFiles(
  paths: readonly string[],
): KernelFiles & Disposable {
  const held = new Map<string, Deno.FsFile>();
  for (const path of paths) {
    try {
      held.set(path, Deno.openSync(path));
    } catch {
      // Whoever reads it learns why.
    }
  }
  const folder = orUndefined(() => openSync(DESCRIPTORS, "r"));
  return {
    async read(path) {
      const file = held.get(path);
      return file ? readAgain(file) : await Deno.readTextFile(path);
    },
    openDescriptors() {
      // From Linux 6.2 on, this folder has their number as its size. Once a
      // permission was given up, Deno 2.9 tells it of what is open, and 2.7 of
      // the link alone.
      const size = orUndefined(() => fstatSync(folder!).size) ??
        orUndefined(() => statSync(DESCRIPTORS_LINK).size) ?? 0;
      return size > 0
        ? size
        : orUndefined(() => [...Deno.readDirSync(DESCRIPTORS)].length);
    },
    [Symbol.dispose]() {
      for (const file of held.values()) file.close();
      if (folder !== undefined) closeSync(folder);
    },
  };
}

/** At once, so that nobody else reads on in between. */
function readAgain(file: Deno.FsFile): string {
  file.seekSync(0, Deno.SeekMode.Start);
  const chunks: string[] = [];
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16_384);
  for (let length = 0; length < MOST_BYTES;) {
    const count = file.readSync(buffer);
    if (count === null) break;
    length += count;
    chunks.push(decoder.decode(buffer.subarray(0, count), { stream: true }));
  }
  return chunks.join("") + decoder.decode();
}

function orUndefined<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
