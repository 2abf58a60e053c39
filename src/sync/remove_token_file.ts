import { describeError, type Logger } from "../platform/log.ts";

/**
 * Removes the file of a token that is used up. Where the agent may write the
 * file but not change its folder, as with `/etc/plexd`, it is emptied.
 */
export async function removeTokenFile(
  path: string,
  log: Logger,
): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    try {
      await Deno.truncate(path);
    } catch {
      log.warn("The used bootstrap token's file could not be removed", {
        path,
        error: describeError(error),
      });
    }
  }
}
