import { backUp } from "../../src/store/backup.ts";
import { decodeBackup, encodeBackup } from "../../src/store/backup_file.ts";
import { repairMembership } from "../../src/store/repair.ts";
import { restore } from "../../src/store/restore.ts";
import { FakeClock } from "../../tests/fakes/fake_clock.ts";
import { reopen, SEAL_KEY } from "./reopen.ts";
import { Seeded } from "./seeded.ts";

/** What to do to a membership: `repair`, or the file of a backup to restore. */
export type Mending = "repair" | string;

const parts = { cluster: "default", clock: new FakeClock() };

/**
 * Does what `plexd store repair` or `plexd store restore FILE` does, with time
 * that stands still.
 */
export async function mend(dataDir: string, what: Mending): Promise<void> {
  if (what === "repair") {
    await repairMembership({
      ...parts,
      dataDir,
      seal: () => Promise.resolve(SEAL_KEY),
      open: async () => (await reopen(dataDir)).store,
    });
    return;
  }
  await restore({
    ...parts,
    dataDir,
    backup: decodeBackup(await Deno.readFile(what)),
    key: SEAL_KEY,
    random: new Seeded(1),
    open: async () => (await reopen(dataDir)).store,
  });
}

/** Writes a backup of all of a membership, its keys included. */
export async function backUpTo(dataDir: string, file: string): Promise<void> {
  const backup = await backUp({
    ...parts,
    dataDir,
    includeIdentity: true,
    key: SEAL_KEY,
    random: new Seeded(1),
  });
  if (!backup) throw new Error(`There is no membership in ${dataDir}`);
  await Deno.writeFile(file, encodeBackup(backup));
}
