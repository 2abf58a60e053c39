import { cliDocs } from "../cli_docs.ts";
import { ROOT } from "./places.ts";

/** Folders below packaging/ that go into an archive as they are. */
const PACKAGED = ["systemd", "sysusers.d", "tmpfiles.d"] as const;

/** What {@linkcode releaseTree} puts beside the program. */
export interface ReleaseFacts {
  readonly version: string;
  /** Date of the commit, as YYYY-MM-DD. */
  readonly date: string;
}

/**
 * Lays out what a release brings along, all but the program.
 *
 * @param folder The archive's one folder, which exists.
 * @see docs/install.md, "What the server holds"
 */
export async function releaseTree(
  folder: string,
  facts: ReleaseFacts,
): Promise<void> {
  const files = new Map<string, string>(cliDocs(facts));
  for (const part of PACKAGED) {
    for await (
      const { name, isFile } of Deno.readDir(`${ROOT}/packaging/${part}`)
    ) {
      const path = `${part}/${name}`;
      if (!isFile) continue;
      files.set(path, await Deno.readTextFile(`${ROOT}/packaging/${path}`));
    }
  }
  files.set("LICENSE", await Deno.readTextFile(`${ROOT}/LICENSE`));
  for (const [path, text] of files) {
    const parent = `${folder}/${path}`.replace(/\/[^/]*$/, "");
    await Deno.mkdir(parent, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
}
