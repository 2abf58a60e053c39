import { slimSourceMap } from "./source_maps.ts";
import { stableNames } from "./stable_names.ts";
import { needTool } from "./run_tool.ts";

/**
 * Bundles staged sources into pieces: one that every command loads, and those
 * that it loads on demand.
 *
 * @param staged Folder of the sources.
 * @param folder New folder of the pieces; `main.js` is the first one.
 * @param epochSeconds The time that the pieces get, seconds since the Unix epoch.
 */
export async function bundle(
  staged: string,
  folder: string,
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
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const text = await Deno.readTextFile(path);
    pieces.set(name, slimSourceMap(text, folder, staged));
    await Deno.remove(path);
  }
  for (const [name, text] of stableNames(pieces)) {
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(path, text);
    // Compiling keeps the time of each file.
    await Deno.utime(path, epochSeconds, epochSeconds);
  }
}
