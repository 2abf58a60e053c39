import { describeError } from "../platform/log.ts";
import type { Transition } from "../wire/transitions.ts";
import { type NotedRun, readLastRun as readRun } from "./agent_state.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import {
  decodeHealth,
  HEALTH_FILE,
  type HealthRecord,
} from "./health_store.ts";
import { lockHolder } from "./lock.ts";
import type { LockHolder } from "./lock_file.ts";
import { SILENT } from "./survey.ts";
import { decodeTransitions, TRANSITIONS_FILE } from "./transition_ring.ts";

/** What the disk tells of the last run of an agent. */
export interface LastRun {
  /** Who holds the membership now; absent when nobody does. */
  readonly holder?: LockHolder;
  /** Absent before the first. */
  readonly run?: NotedRun;
  /** How it was when it was last asked; absent before the first time. */
  readonly health?: HealthRecord;
  /** Oldest first. */
  readonly transitions: readonly Transition[];
  /** Damaged files, left out and left alone. */
  readonly faults: readonly { readonly file: string; readonly what: string }[];
}

/**
 * Reads what the last run of an agent has left behind, without a lock and
 * without any change.
 *
 * @throws {Error} of the system when the folders cannot be read.
 */
export function readLastRun(dataDir: string, cluster: string): LastRun {
  const { root } = membershipPaths(dataDir, cluster);
  const faults: { file: string; what: string }[] = [];
  const decoded = <Result>(
    file: string,
    decode: (bytes: Uint8Array<ArrayBuffer>) => Result,
  ): Result | undefined => {
    const bytes = readIfThere(systemDisk, `${root}/${file}`);
    try {
      return bytes && decode(bytes);
    } catch (error) {
      faults.push({ file, what: describeError(error) });
      return undefined;
    }
  };
  const holder = lockHolder(root);
  const run = readRun({ dataDir, log: SILENT }, cluster);
  const health = decoded(HEALTH_FILE, decodeHealth);
  return {
    ...(holder ? { holder } : {}),
    ...(run ? { run } : {}),
    ...(health ? { health } : {}),
    transitions: decoded(TRANSITIONS_FILE, decodeTransitions) ?? [],
    faults,
  };
}
