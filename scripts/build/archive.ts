import { needTool } from "./run_tool.ts";

/**
 * Packs a folder, so that the same files give the same bytes: in order of their
 * names, of root, all of one time, with modes that no umask decides.
 *
 * @param parent Where the folder is.
 * @param name Of the folder: the archive's one entry.
 * @param archive New file, without `.gz`, which is added.
 * @param epochSeconds The time that the files get, seconds since the Unix epoch.
 */
export async function packFolder(
  parent: string,
  name: string,
  archive: string,
  epochSeconds: number,
): Promise<void> {
  await needTool("tar", [
    "--format=ustar",
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u=rwX,go=rX",
    `--mtime=@${epochSeconds}`,
    "-cf",
    archive,
    "-C",
    parent,
    name,
  ]);
  // -n: without the name and the time of the file.
  await needTool("gzip", ["-n", "-9", "-f", archive]);
}
