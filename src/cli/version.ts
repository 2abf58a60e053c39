/** Version of this source tree. */
export const VERSION = "0.1.0-dev";

/** What {@linkcode versionText} says, for programs. */
export function versionFacts(): Readonly<Record<string, string>> {
  return { version: VERSION, runtime: `deno ${Deno.version.deno}` };
}

/** What `plexd --version` prints. @see docs/wire.md, section g.1 */
export function versionText(): string {
  return [
    `plexd version ${VERSION}`,
    `runtime: deno ${Deno.version.deno}`,
  ].join("\n");
}
