import type { Config } from "../config/settings.ts";
import {
  readMembership,
  type StoredMembership,
} from "../store/read_membership.ts";
import { CorruptIdentityError } from "../store/store_errors.ts";
import { CommandError, EXIT } from "./command.ts";

/**
 * What the store holds on disk, whether an agent runs or not.
 *
 * @returns undefined when there is no such membership.
 * @throws {CommandError} when this user may not read it, or it is damaged.
 */
export function storedMembership(
  { data_dir: dataDir, cluster }: Config,
): StoredMembership | undefined {
  return reading(dataDir, () => readMembership({ dataDir, cluster }));
}

/**
 * Reads from the data folder.
 *
 * @throws {CommandError} when this user may not, or what is read is damaged.
 */
export function reading<Result>(dataDir: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof CorruptIdentityError) {
      throw new CommandError(EXIT.failed, error.message);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new CommandError(
        EXIT.failed,
        `this user may not read ${dataDir}`,
        "run this as root, or as the user of the agent",
      );
    }
    throw error;
  }
}
