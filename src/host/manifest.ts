import { normalize } from "node:path";
import * as z from "zod/mini";
import type { Random } from "../platform/random.ts";
import { isMissing } from "../store/disk.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { HostError } from "./host_error.ts";
import type { Places } from "./places.ts";
import { replaceFile } from "./placement.ts";

const manifestSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  files: z.record(z.string(), z.string()),
});

/** What an installation has put in place: that, and nothing else, is removed. */
export interface Manifest {
  readonly version: string;
  /** SHA-256 of each file in lower-case hex, by absolute path. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * What is installed.
 *
 * @returns undefined when nothing is.
 * @throws {HostError} kind "refused" when the list of it cannot be understood,
 * or names what an installation does not place.
 */
export function readManifest(places: Places): Manifest | undefined {
  const path = places.manifest;
  try {
    const text = Deno.readTextFileSync(path);
    const manifest = parseShape(path, manifestSchema, text);
    for (const file of Object.keys(manifest.files)) checkPlace(file, places);
    return manifest;
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (!(error instanceof ShapeError)) throw error;
    throw new HostError(
      "refused",
      `The list of installed files cannot be used: ${error.message}`,
      `remove ${path}, then install again: what is there is kept beside it`,
    );
  }
}

/** Files are removed by this list: it must not lead root elsewhere. */
function checkPlace(file: string, { prefix, unitDir, isSystem }: Places) {
  const folders = isSystem ? [prefix, unitDir] : [prefix];
  const isInside = folders.some((folder) => file.startsWith(`${folder}/`));
  if (isInside && normalize(file) === file) return;
  throw new ShapeError(`${JSON.stringify(file)} is no place of plexd`);
}

/** @throws {HostError} kind "failed" */
export function writeManifest(
  places: Pick<Places, "manifest">,
  { version, files }: Manifest,
  random: Random,
): void {
  const text = JSON.stringify({ format: 1, version, files }, null, 2) + "\n";
  replaceFile(places.manifest, text, { mode: 0o644, random });
}
