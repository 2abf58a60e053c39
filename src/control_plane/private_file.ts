/**
 * Writes a file that only its owner may read, and whose content is there as a
 * whole or not at all. An existing file is replaced.
 */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  removeIfThere(temporary);
  const options = { write: true, createNew: true, mode: 0o600 };
  {
    using file = Deno.openSync(temporary, options);
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
    file.syncSync();
  }
  Deno.renameSync(temporary, path);
  using folder = Deno.openSync(path.slice(0, path.lastIndexOf("/")) || "/");
  folder.syncSync();
}

/**
 * Reads a file that nobody but its owner may read.
 *
 * @returns undefined when there is none.
 * @throws {Error} when others may read it.
 */
export function readPrivateFile(path: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  file.close();
  const mode = Deno.statSync(path).mode ?? 0;
  if ((mode & 0o077) !== 0) {
    throw new Error(`Others may read ${path}: set its mode to 0600`);
  }
  return Deno.readTextFileSync(path).trim();
}

function removeIfThere(path: string) {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
