import { systemDisk } from "./disk.ts";
import { replaceFileNow, TempFolder } from "./replace_file.ts";
import { OpenFolders } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";

/**
 * Puts a file into a membership that is locked, past the stores that are open
 * over it: they are to be opened anew before they are used.
 *
 * @param root The membership's folder.
 * @param file Path below it.
 * @throws {StoreWriteError} when it could not be made durable.
 */
export function writeMember(
  root: string,
  file: string,
  bytes: Uint8Array,
): void {
  const folders = new OpenFolders(systemDisk, root);
  try {
    const temp = new TempFolder(systemDisk, `${root}/tmp`);
    replaceFileNow(systemDisk, temp, folders.target(file), bytes);
  } catch (error) {
    throw new StoreWriteError(file, error);
  } finally {
    folders.close();
  }
}
