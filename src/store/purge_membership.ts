import type { Clock } from "../platform/clock.ts";
import { systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import { takeLock } from "./lock.ts";
import { readMembership } from "./read_membership.ts";

/** Options for {@linkcode purgeMembership}. */
export interface PurgeOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly version: string;
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
 * @throws {Error} of the system when something cannot be removed.
 */
export function purgeMembership(options: PurgeOptions): Purged {
  const { dataDir, cluster, clock, version } = options;
  const { root } = membershipPaths(dataDir, cluster);
  const lock = takeLock(root, clock, version);
  try {
    const stored = readMembership({ dataDir, cluster });
    for (const { name } of systemDisk.list(root)) {
      if (name !== "lock") systemDisk.remove(`${root}/${name}`);
    }
    systemDisk.remove(root);
    return {
      folder: root,
      reports: stored?.reports.size ?? 0,
      dataEntries: stored?.state.data.size ?? 0,
    };
  } finally {
    lock.release();
  }
}
