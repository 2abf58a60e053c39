import { Buffer } from "node:buffer";

/** A file or folder below a root, by its path from there. */
export interface Listed {
  readonly path: string;
  readonly kind: "file" | "folder" | "other";
  /** Permission bits. */
  readonly mode: number;
}

/** Everything below `root`, sorted by path. What vanishes meanwhile is left out. */
export function listing(root: string, under = ""): Listed[] {
  return [...entriesOf(`${root}${under}`)].flatMap((entry): Listed[] => {
    const path = `${under}/${entry.name}`;
    const stat = statOf(root + path);
    if (!stat) return [];
    const mode = (stat.mode ?? 0) & 0o777;
    if (stat.isDirectory) {
      return [{ path, kind: "folder", mode }, ...listing(root, path)];
    }
    return [{ path, kind: stat.isFile ? "file" : "other", mode }];
  }).sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Paths of the files below `root` that contain one of the texts or bytes. */
export function filesWith(
  root: string,
  needles: readonly (string | Uint8Array)[],
): string[] {
  return listing(root).filter(({ kind }) => kind === "file")
    .filter(({ path }) => {
      const bytes = Buffer.from(Deno.readFileSync(root + path));
      return needles.some((needle) =>
        bytes.includes(
          typeof needle === "string" ? needle : Buffer.from(needle),
        )
      );
    })
    .map(({ path }) => path);
}

function* entriesOf(path: string): Generator<Deno.DirEntry> {
  try {
    yield* Deno.readDirSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
