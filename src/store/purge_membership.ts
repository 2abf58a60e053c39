import type { Clock } from "../platform/clock.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import { takeLock } from "./lock.ts";
import { readMembership } from "./read_membership.ts";
import { PurgeError } from "./store_errors.ts";

/** Options for {@linkcode purgeMembership}. */
export interface PurgeOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly version: string;
  /** @default {systemDisk} */
  readonly disk?: Pick<Disk, "list" | "remove">;
}

/** What a purge has removed. */
export interface Purged {
  /** The membership's folder. */
  readonly folder: string;
  /** Reports that were in it: nobody else may have them. */
  readonly reports: number;
  readonly dataEntries: number;
}

/**
 * Removes a membership's folder with all that is in it, the lock last.
 *
 * @throws {AlreadyRunningError} when a process holds it.
 * @throws {PurgeError} when something cannot be removed; all else is gone then.
 */
export function purgeMembership(options: PurgeOptions): Purged {
  const { dataDir, cluster, clock, version, disk = systemDisk } = options;
  const { root } = membershipPaths(dataDir, cluster);
  const lock = takeLock(root, clock, version);
  try {
    const stored = readMembership({ dataDir, cluster });
    let failure: unknown;
    for (const { name } of disk.list(root)) {
      if (name === "lock") continue;
      try {
        remove(disk, `${root}/${name}`);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure) throw failure;
    remove(disk, root);
    return {
      folder: root,
      reports: stored?.reports.size ?? 0,
      dataEntries: stored?.state.data.size ?? 0,
    };
  } finally {
    lock.release();
  }
}

function remove(disk: Pick<Disk, "remove">, path: string) {
  try {
    disk.remove(path);
  } catch (error) {
    throw new PurgeError(path, error);
  }
}
