import type { Clock } from "../platform/clock.ts";
import { isoTime } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { type Backup, BackupError, isMember } from "./backup_file.ts";
import { type Disk, isMissing, readIfThere, systemDisk } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { membershipPaths } from "./folders.ts";
import { decodeIdentity, IDENTITY_FILE } from "./identity_file.ts";
import { lockHolder } from "./lock.ts";
import { overlayDisk } from "./overlay_disk.ts";
import type { SealKey } from "./seal_key.ts";
import { rehearseOpening } from "./survey.ts";

/** Folders that members of a backup lie in. */
const FOLDERS = [
  "trust",
  "snapshots",
  "state",
  "state/data",
  "state/report",
  "peers",
  "services",
  "sync",
  "executions",
  "telemetry",
  "identity",
];

/** Looks beside a running agent, which may write between two files. */
const MAX_TRIES = 20;

/** Options for {@linkcode backUp}. */
export interface BackUpOptions {
  readonly dataDir: string;
  readonly cluster: string;
  /** Whether the node's keys go with it, sealed as they are. */
  readonly includeIdentity: boolean;
  /** Absent when sealed files cannot be opened: then they are not looked into. */
  readonly key?: SealKey;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Reads a membership for a backup. What is sealed stays sealed.
 *
 * @returns undefined when there is no such membership.
 * @throws {BackupError} when a file is damaged: that must not look like a copy
 * to rely on.
 * @throws {CorruptIdentityError}
 */
export async function backUp(
  options: BackUpOptions,
): Promise<Backup | undefined> {
  const { dataDir, cluster, includeIdentity, clock } = options;
  const { root } = membershipPaths(dataDir, cluster);
  let findings: readonly Finding[] = [];
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const identity = readIfThere(systemDisk, `${root}/${IDENTITY_FILE}`);
    const members = readMembers(root, includeIdentity);
    if (members.size === 0) return undefined;
    findings = await findingsIn(members, options);
    if (findings.length === 0) {
      return {
        createdAt: isoTime(clock.now()),
        cluster,
        nodeId: identity ? decodeIdentity(identity).identity.nodeId : null,
        members,
      };
    }
    if (!lockHolder(root)) break;
  }
  const { file, what } = findings[0]!;
  throw new BackupError(`${file} is not as it should be: ${what}`);
}

/** What is wrong with the members of a backup, were they a membership. */
export async function findingsIn(
  members: Backup["members"],
  { dataDir, cluster, key, clock, random }: Omit<
    BackUpOptions,
    "includeIdentity"
  >,
): Promise<Finding[]> {
  const disk = diskOf(members, membershipPaths(dataDir, cluster).root);
  return await rehearseOpening(
    { dataDir, cluster, clock, random, disk },
    key,
  );
}

/** A disk with nothing on it but the members of a backup. */
export function diskOf(members: Backup["members"], root: string): Disk {
  const disk = overlayDisk(NOTHING);
  for (const [file, bytes] of members) {
    disk.createNow(`${root}/${file}`, bytes);
  }
  return disk;
}

const missing = (path: string): never => {
  throw new Deno.errors.NotFound(path);
};

const NOTHING: Disk = {
  ...systemDisk,
  read: missing,
  list: missing,
};

function readMembers(
  root: string,
  includeIdentity: boolean,
): Map<string, Uint8Array<ArrayBuffer>> {
  const members = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const folder of FOLDERS) {
    for (const name of namesIn(`${root}/${folder}`)) {
      const file = `${folder}/${name}`;
      if (!isMember(file, includeIdentity)) continue;
      const bytes = readIfThere(systemDisk, `${root}/${file}`);
      if (bytes) members.set(file, bytes);
    }
  }
  return members;
}

function namesIn(folder: string): string[] {
  try {
    return systemDisk.list(folder).filter(({ isFile }) => isFile)
      .map(({ name }) => name).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
