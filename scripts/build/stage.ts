import type { BuildInfo } from "../../src/cli/build_info.ts";
import { SOURCES } from "./commit.ts";
import { ROOT } from "./places.ts";
import { needTool } from "./run_tool.ts";

/**
 * Copies the sources into a new folder, with what a build knows of itself in
 * place of what source code knows.
 */
export async function stageSources(
  folder: string,
  build: BuildInfo,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const sources = SOURCES.map((path) => `${ROOT}/${path}`);
  await needTool("cp", ["-R", ...sources, folder]);
  const path = `${folder}/src/cli/build_info.ts`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withBuild(text, build));
}

/** The module with its one constant filled. */
export function withBuild(text: string, build: BuildInfo): string {
  const empty = "export const BUILD: BuildInfo | undefined = undefined;";
  const filled = `export const BUILD: BuildInfo | undefined = ${
    JSON.stringify(build)
  };`;
  if (!text.includes(empty)) {
    throw new Error(`build_info.ts does not hold: ${empty}`);
  }
  return text.replace(empty, () => filled);
}
