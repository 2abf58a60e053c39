import { dirname } from "node:path";
import { UsersLock } from "./dev/users_lock.ts";

/**
 * The lock of `plexd dev` that a child shares, so that the last process out
 * can remove the folder when the parent was killed and cannot.
 */
export interface FolderUser {
  readonly path: string;
  readonly lock: UsersLock;
}

/** @param path Value of `--users-lock`, if it was given. */
export async function joinUsers(
  path: string | true | undefined,
): Promise<FolderUser | undefined> {
  if (typeof path !== "string") return undefined;
  return { path, lock: await UsersLock.join(path) };
}

/** Leaves; the last one removes the folder that the lock lies in. */
export async function leaveUsers(user: FolderUser | undefined): Promise<void> {
  if (!user) return;
  if (user.lock.leave()) {
    await Deno.remove(dirname(user.path), { recursive: true });
  }
  user.lock.close();
}
