import { type Disk, readIfThere } from "./disk.ts";
import { PRIVATE_KEY_FILE } from "./identity_file.ts";
import type { SealKey } from "./seal_key.ts";
import { sealKeyIdOf } from "./sealed_file.ts";
import { SealKeyError } from "./store_errors.ts";

/**
 * Whether a sealed file that names another key is damaged: the key at hand is
 * the one that this node's identity is sealed with, so nothing else can be
 * sealed with another. Else the key is the wrong one, and the file may be sound.
 *
 * @param error What opening the file has thrown.
 * @param root The membership's folder.
 */
export function isDamagedKeyName(
  error: unknown,
  disk: Disk,
  root: string,
  key: SealKey,
): boolean {
  if (!(error instanceof SealKeyError) || error.kind !== "wrong_key") {
    return false;
  }
  const bytes = readIfThere(disk, `${root}/${PRIVATE_KEY_FILE}`);
  return bytes !== undefined && sealKeyIdOf(bytes) === key.id;
}
