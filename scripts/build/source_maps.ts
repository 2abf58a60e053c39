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

/**
 * Makes the inline source map of a module small and free of the builder's own
 * paths: the texts of the sources go, their names become `src/…` and `npm/…`.
 *
 * @param module Text of the module.
 * @param folder Where the bundler has put it.
 * @param staged Folder of the sources.
 * @throws {BuildError} for a source that is in neither place.
 */
export function slimSourceMap(
  module: string,
  folder: string,
  staged: string,
): string {
  const at = module.lastIndexOf(MARK);
  if (at < 0) return module;
  const base64 = module.slice(at + MARK.length).trim();
  const map = mapSchema.parse(
    JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(base64))),
  );
  const slim = JSON.stringify({
    ...map,
    sources: map.sources.map((source) =>
      named(resolve(folder, source), staged)
    ),
  });
  const bytes = new TextEncoder().encode(slim);
  return `${module.slice(0, at)}${MARK}${bytes.toBase64()}\n`;
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
