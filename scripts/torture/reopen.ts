import { type Disk, systemDisk } from "../../src/store/disk.ts";
import { membershipPaths } from "../../src/store/folders.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import type { Recovery } from "../../src/store/recovery.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { FakeClock } from "../../tests/fakes/fake_clock.ts";
import { MemoryLog } from "../../tests/fakes/memory_log.ts";
import { Seeded } from "./seeded.ts";

/** Where a store in memory is. */
export const MEMORY_FOLDER = "/memory";

/** The folder of the one membership that is in it. */
export const MEMORY_ROOT = membershipPaths(MEMORY_FOLDER, "default").root;

/** A store that is open, and what opening it has repaired so far. */
export interface Reopened {
  readonly store: Membership;
  readonly recovered: Recovery[];
  readonly disk: Disk;
}

/** What all stores of these trials are sealed with. */
export const SEAL_KEY = await sealKeyFrom(new Uint8Array(32).fill(7), "file");

/** Opens a store in a folder, with time that stands still. */
export function reopen(dataDir: string): Promise<Reopened> {
  return open(dataDir, systemDisk, false);
}

/** Opens a store on a disk in memory. */
export function reopenInMemory(disk: Disk): Promise<Reopened> {
  return open(MEMORY_FOLDER, disk, true);
}

async function open(
  dataDir: string,
  disk: Disk,
  rehearsal: boolean,
): Promise<Reopened> {
  const recovered: Recovery[] = [];
  const store = await openMembership({
    dataDir,
    cluster: "default",
    seal: SEAL_KEY,
    clock: new FakeClock(),
    random: new Seeded(1),
    log: new MemoryLog(),
    disk,
    recovered: (recovery) => recovered.push(recovery),
    rehearsal,
  });
  return { store, recovered, disk };
}
