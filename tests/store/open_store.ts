import { systemDisk } from "../../src/store/disk.ts";
import type { Disk } from "../../src/store/disk.ts";
import { type Membership, openMembership } from "../../src/store/membership.ts";
import type { Recovery } from "../../src/store/recovery.ts";
import type { Random } from "../../src/platform/random.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import type { ServiceAssignment } from "../../src/wire/service_assignment.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** A membership that a test has opened, and what was said about it. */
export interface OpenedStore {
  readonly store: Membership;
  readonly recovered: Recovery[];
  readonly log: MemoryLog;
  readonly clock: FakeClock;
}

const sealKey = await sealKeyFrom(new Uint8Array(32).fill(7), "file");

/** Opens the membership "default" of a data folder. */
export async function openStore(
  dataDir: string,
  disk: Disk = systemDisk,
  clock: FakeClock = new FakeClock(),
  random: Random = new FakeRandom(),
): Promise<OpenedStore> {
  const recovered: Recovery[] = [];
  const log = new MemoryLog();
  const store = await openMembership({
    dataDir,
    cluster: "default",
    seal: sealKey,
    clock,
    random,
    log,
    disk,
    recovered: (recovery) => recovered.push(recovery),
  });
  return { store, recovered, log, clock };
}

/** Runs a test in a folder of its own, which is removed afterwards. */
export async function inFolder(
  work: (dataDir: string) => Promise<void> | void,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "plexd-store-" });
  try {
    await work(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Copies a folder with all that is in it. */
export function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** A data entry with every member filled in. */
export function entry(
  key: string,
  payload = `{"of": "${key}"}`,
  version = 1,
): DataEntry {
  return {
    key,
    contentType: "application/json",
    payload,
    version,
    updatedAt: "2026-03-01T12:00:00Z",
  };
}

/** A service with every member filled in. */
export const WEB: ServiceAssignment = {
  name: "web",
  roles: ["edge"],
  version: "1.2.0",
  desiredState: "running",
  policyRefs: ["ssh"],
  resourceRefs: ["volume:web"],
  connectorRefs: ["vpn-1"],
  expiresAt: "2026-03-02T12:00:00Z",
};
