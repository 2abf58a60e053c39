import { withNodeGlobals } from "./node_globals.ts";
import { takeSourceMap } from "./source_maps.ts";
import { stableNames } from "./stable_names.ts";
import { needTool } from "./run_tool.ts";

/**
 * Bundles staged sources into pieces: one that every command loads, and those
 * that it loads on demand.
 *
 * @param staged Folder of the sources.
 * @param folder New folder of the pieces; `main.js` is the first one.
 * @param maps New folder of their source maps.
 * @param epochSeconds The time that the pieces get, seconds since the Unix epoch.
 */
export async function bundle(
  staged: string,
  folder: string,
  maps: string,
  epochSeconds: number,
): Promise<void> {
  await needTool(Deno.execPath(), [
    "bundle",
    "--quiet",
    "--platform=deno",
    "--minify",
    "--code-splitting",
    "--sourcemap=inline",
    `--outdir=${folder}`,
    "main.ts",
  ], { cwd: staged });
  const pieces = new Map<string, string>();
  const mapOf = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const module = await Deno.readTextFile(path);
    const { text, map } = withNodeGlobals(
      name,
      takeSourceMap(module, folder, staged),
    );
    pieces.set(name, text);
    if (map !== undefined) mapOf.set(name, map);
    await Deno.remove(path);
  }
  await Deno.mkdir(maps, { recursive: true });
  for (const [name, piece] of stableNames(pieces)) {
    const path = `${folder}/${piece.name}`;
    await Deno.writeTextFile(path, piece.text);
    // Compiling keeps the time of each file.
    await Deno.utime(path, epochSeconds, epochSeconds);
    const map = mapOf.get(name);
    if (map === undefined) continue;
    await Deno.writeTextFile(`${maps}/${piece.name}.map`, map);
  }
}
