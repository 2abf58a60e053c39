import { resolve } from "node:path";
import * as z from "zod/mini";
import { BuildError } from "./build_error.ts";

const MARK = "//# sourceMappingURL=data:application/json;base64,";

const mapSchema = z.object({
  version: z.literal(3),
  sources: z.array(z.string()),
  names: z.array(z.string()),
  mappings: z.string(),
});

/** A piece of a bundle, and what leads from it back to the sources. */
export interface Mapped {
  readonly text: string;
  /** JSON; undefined for a piece that has none. */
  readonly map: string | undefined;
}

/**
 * Takes the inline source map out of a module, where it would cost every start
 * of the program time and memory, and makes it small and free of the builder's
 * own paths: texts of sources go, their names become `src/…` and `npm/…`.
 *
 * @param module Text of the module.
 * @param folder Where the bundler has put it.
 * @param staged Folder of the sources.
 * @throws {BuildError} for a source that is in neither place.
 */
export function takeSourceMap(
  module: string,
  folder: string,
  staged: string,
): Mapped {
  const at = module.lastIndexOf(MARK);
  if (at < 0) return { text: module, map: undefined };
  const base64 = module.slice(at + MARK.length).trim();
  const map = mapSchema.parse(
    JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(base64))),
  );
  const sources = map.sources.map((source) =>
    named(resolve(folder, source), staged)
  );
  return {
    text: module.slice(0, at),
    map: JSON.stringify({ ...map, sources }),
  };
}

function named(path: string, staged: string): string {
  if (path.startsWith(`${staged}/`)) return path.slice(staged.length + 1);
  // Below the host of the registry: package, version, file.
  const inPackage = /\/npm\/[^/]+\/(.+)$/.exec(path)?.[1];
  if (inPackage !== undefined) return `npm/${inPackage}`;
  throw new BuildError(
    `The bundle names ${path}, which is neither a source nor a package's`,
    "every source has to be below src/ or come from a package of deno.json",
  );
}
