/**
 * Writes what a release brings along for shells and readers, made from the same
 * tables as `--help`: `deno run -A scripts/cli_docs.ts DIR`
 */
import { COMPLETIONS } from "../src/cli/completion/command.ts";
import { TABLE } from "../src/cli/commands.ts";
import { configPage } from "../src/cli/manual/config_page.ts";
import { plexdPage } from "../src/cli/manual/plexd_page.ts";
import { VERSION } from "../src/cli/version.ts";
import { print } from "./bench/print.ts";

/** What the manual pages say about the release. */
export interface ReleaseFacts {
  /** @default {VERSION} */
  readonly version?: string;
  /** As YYYY-MM-DD; the same for every build of one commit. */
  readonly date?: string;
}

/** The files by their path in a release. */
export function cliDocs(facts: ReleaseFacts = {}): ReadonlyMap<string, string> {
  const release = { version: VERSION, ...facts };
  return new Map([
    ["man/plexd.1", plexdPage(TABLE, release)],
    ["man/plexd-config.5", configPage(release)],
    ["completions/plexd.bash", COMPLETIONS["bash"]!(TABLE)],
    ["completions/_plexd", COMPLETIONS["zsh"]!(TABLE)],
    ["completions/plexd.fish", COMPLETIONS["fish"]!(TABLE)],
  ]);
}

/** Writes {@linkcode cliDocs} into a folder, which need not be there. */
export async function writeCliDocs(
  folder: string,
  facts?: ReleaseFacts,
): Promise<readonly string[]> {
  const files = cliDocs(facts);
  for (const [path, text] of files) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(`${folder}/${parent}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  return [...files.keys()];
}

if (import.meta.main) {
  const [folder = "dist/docs"] = Deno.args;
  for (const path of await writeCliDocs(folder)) print(`${folder}/${path}`);
}
