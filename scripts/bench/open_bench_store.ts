import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { silentLog } from "./silent_log.ts";

/** Opens the membership that is measured, with a key that is no secret. */
export async function openBenchStore(
  dataDir: string,
  disk: Disk = systemDisk,
): Promise<Membership> {
  return await openMembership({
    dataDir,
    cluster: "default",
    seal: await sealKeyFrom(new Uint8Array(32).fill(7), "file"),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    disk,
  });
}
