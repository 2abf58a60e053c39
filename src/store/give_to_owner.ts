import { isMissing } from "./disk.ts";

/**
 * Gives a new file to the user that a folder belongs to: the administrator may
 * write for an agent that has a user of its own.
 *
 * @throws {Error} of the system when that is not allowed.
 */
export function giveToOwner(folder: string, path: string): void {
  const { uid, gid } = Deno.statSync(folder);
  if (uid === null || gid === null || uid === Deno.uid()) return;
  try {
    Deno.chownSync(path, uid, gid);
  } catch (error) {
    // What a rehearsal writes is on no real disk.
    if (!isMissing(error)) throw error;
  }
}
