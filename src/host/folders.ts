import { lchownSync } from "node:fs";
import { isMissing } from "../store/disk.ts";
import { IDENTITY_FILE } from "../store/identity_file.ts";
import type { Owner } from "./accounts.ts";
import type { Places } from "./places.ts";
import type { Steps } from "./steps.ts";

/** A folder as it has to be. */
interface NeededFolder {
  readonly path: string;
  readonly mode: number;
  /** One that is there gets the mode, too; others are left to their owner. */
  readonly isExact?: boolean;
  readonly owner?: Owner | undefined;
}

/**
 * Makes a folder, or gives one that is there its mode and owner.
 *
 * @throws {Error} of the system.
 */
export async function ensureFolder(
  { path, mode, isExact = false, owner }: NeededFolder,
  steps: Steps,
): Promise<void> {
  const there = statIfThere(path);
  const octal = mode.toString(8).padStart(4, "0");
  if (!there) {
    await steps.do(`create folder ${path} (${octal})`, () => {
      Deno.mkdirSync(path, { recursive: true, mode });
      // The umask has had its say.
      Deno.chmodSync(path, mode);
    });
  } else if (isExact && ((there.mode ?? 0) & 0o7777) !== mode) {
    await steps.do(
      `make ${path} ${octal}`,
      () => Deno.chmodSync(path, mode),
    );
  }
  if (!owner || there?.uid === owner.uid && there.gid === owner.gid) return;
  if (!there) {
    // Its maker is the owner, so far; a rehearsal has made none.
    if (!steps.isRehearsal) Deno.chownSync(path, owner.uid, owner.gid);
    return;
  }
  await steps.do(
    `give ${path}, with all that is in it, to the agent's user`,
    () => giveTree(path, owner),
  );
}

/** Whether a node has joined here already, as an agent of either kind. */
export function isEnrolled({ dataDir }: Pick<Places, "dataDir">): boolean {
  if (statIfThere(`${dataDir}/identity.json`)) return true;
  return memberships(dataDir).some((root) =>
    statIfThere(`${root}/${IDENTITY_FILE}`) !== undefined
  );
}

/** The folders of all memberships of this node. */
export function memberships(dataDir: string): string[] {
  try {
    return [...Deno.readDirSync(`${dataDir}/clusters`)]
      .filter((entry) => entry.isDirectory)
      .map((entry) => `${dataDir}/clusters/${entry.name}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** @returns undefined when there is nothing of that name. */
export function statIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Links are given themselves, never what they lead to. */
function giveTree(path: string, { uid, gid }: Owner) {
  lchownSync(path, uid, gid);
  if (!Deno.lstatSync(path).isDirectory) return;
  for (const { name } of Deno.readDirSync(path)) {
    giveTree(`${path}/${name}`, { uid, gid });
  }
}
