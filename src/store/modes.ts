import type { Finding } from "./finding.ts";

/** What others than the owner may do with a file or folder. */
const OTHERS = 0o077;

/**
 * Files and folders of a membership that others may enter, read or write.
 *
 * @param root The membership's folder.
 */
export function looseModes(root: string): Finding[] {
  return [...loose(root)].map(({ path, mode }) => ({
    file: path.slice(root.length + 1) || ".",
    what: `others may use it: mode ${(mode & 0o777).toString(8)}`,
    repair: `its mode becomes ${(mode & ~OTHERS & 0o777).toString(8)}`,
  }));
}

/** Takes from others what they may do, as far as the system lets it. */
export function tightenModes(root: string): void {
  for (const { path, mode } of loose(root)) {
    try {
      Deno.chmodSync(path, mode & ~OTHERS & 0o777);
    } catch {
      // It goes on being told of.
    }
  }
}

interface Loose {
  readonly path: string;
  readonly mode: number;
}

function* loose(path: string): Generator<Loose> {
  const found = lstat(path);
  // Links have no mode of their own, and are told of by those who read them.
  if (!found || found.isSymlink) return;
  const mode = found.mode ?? 0;
  if (mode & OTHERS) yield { path, mode };
  if (!found.isDirectory) return;
  for (const { name } of Deno.readDirSync(path)) {
    yield* loose(`${path}/${name}`);
  }
}

/** @returns undefined for what has gone since its name was read. */
function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
