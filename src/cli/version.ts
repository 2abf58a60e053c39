import { BUILD, type BuildInfo } from "./build_info.ts";

/** Version of this source tree. */
export const SOURCE_VERSION = "0.1.0-dev";

/** What the version of a build on another base than Deno's own ends with. */
const BASE_SUFFIX: Readonly<Record<BuildInfo["base"], string>> = {
  official: "",
  unofficial: "+unofficial-base",
  given: "+given-base",
};

/** The version of a build of this source tree. */
export function versionOn(base: BuildInfo["base"]): string {
  return SOURCE_VERSION + BASE_SUFFIX[base];
}

/** Version of the program that runs. */
export const VERSION = versionOn(BUILD?.base ?? "official");

/** What {@linkcode versionText} says, for programs; null where unknown. */
export function versionFacts(): Readonly<Record<string, string | null>> {
  return {
    version: VERSION,
    commit: BUILD?.commit ?? null,
    built: BUILD?.committedAt ?? null,
    runtime: `deno ${Deno.version.deno}`,
  };
}

/**
 * What `plexd --version` prints. The time of the build is that of its commit.
 *
 * @see docs/wire.md, section g.1
 */
export function versionText(): string {
  return [
    `plexd version ${VERSION}`,
    `commit: ${BUILD?.commit ?? "none, it runs from source"}`,
    `built: ${BUILD?.committedAt ?? "no, it runs from source"}`,
    `runtime: deno ${Deno.version.deno}`,
  ].join("\n");
}
