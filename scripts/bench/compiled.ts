import { findBase } from "../build/base_runtime.ts";
import { compileBinary } from "../build/compile_binary.ts";
import { ROOT } from "../build/places.ts";
import { needTool } from "../build/run_tool.ts";
import { ownTarget } from "../build/target.ts";
import type { Workshop } from "./workshop.ts";

/** Floors that stand beside the program, so they are programs as well. */
const FLOORS = [
  "scripts/bench/floor_server.ts",
  "scripts/bench/floor_client.ts",
  "scripts/bench/guarded_server.ts",
] as const;

/**
 * Has the workshop start a compiled plexd, and floors that are compiled in the
 * same way, in place of their sources.
 *
 * @param program Path of plexd.
 */
export async function useCompiled(
  workshop: Workshop,
  program: string,
): Promise<void> {
  workshop.replace("main.ts", program);
  const target = ownTarget();
  const base = await findBase(target, workshop.newPath("try"), () => {});
  for (const script of FLOORS) {
    const folder = workshop.newPath("floor");
    await needTool(Deno.execPath(), [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--minify",
      `--output=${folder}/main.js`,
      script,
    ], { cwd: ROOT });
    const output = workshop.newPath("program");
    await compileBinary(folder, output, base, target);
    workshop.replace(script, output);
  }
}
