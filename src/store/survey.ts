import type { Clock } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { CREDENTIALS_FILE } from "./credentials_file.ts";
import { type Disk, readIfThere, systemDisk } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { membershipPaths, missingFolders } from "./folders.ts";
import {
  decodeIdentity,
  IDENTITY_FILE,
  PRIVATE_KEY_FILE,
  SECRET_KEY_FILE,
} from "./identity_file.ts";
import { lockHolder } from "./lock.ts";
import type { LockHolder } from "./lock_file.ts";
import { type Membership, openMembership } from "./membership.ts";
import { looseModes } from "./modes.ts";
import { overlayDisk } from "./overlay_disk.ts";
import type { Recovery } from "./recovery.ts";
import { type SealKey, sealKeyFrom, type SealKeySource } from "./seal_key.ts";
import { decodePointer, POINTER_FILE } from "./snapshot_pointer.ts";
import {
  CorruptIdentityError,
  CorruptTrustError,
  SealKeyError,
  StoreOpenError,
} from "./store_errors.ts";
import { damagedUnread } from "./unread_files.ts";
import { sha256 } from "./summed_json.ts";

/** Options for {@linkcode surveyMembership}. */
export interface SurveyOptions {
  readonly dataDir: string;
  readonly cluster: string;
  /** Asked for the key, never to make one. */
  readonly seal: SealKeySource;
  readonly clock: Clock;
  readonly random: Random;
  /** @default {systemDisk} */
  readonly disk?: Disk;
}

/** What a look at every file of a membership has shown. */
export interface Survey {
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why, in words. */
  readonly unchecked: readonly string[];
  /** Somebody holds the lock: files may have changed under the look. */
  readonly holder?: LockHolder;
}

/**
 * Looks at every file of a membership and changes no byte. What is found is
 * what opening the membership would repair or refuse, since it is opened: on a
 * disk that keeps all changes to itself.
 *
 * @returns undefined when there is no such membership.
 * @throws {Error} of the system when the folder cannot be read.
 */
export async function surveyMembership(
  options: SurveyOptions,
): Promise<Survey | undefined> {
  const { dataDir, cluster, disk = systemDisk } = options;
  const { root } = membershipPaths(dataDir, cluster);
  if (!isFolder(root)) return undefined;
  const holder = lockHolder(root);
  const { key, why } = await keyOf(options, hasSealed(disk, root));
  const findings: Finding[] = [
    // Files that are just being written look like left-over ones.
    ...(holder ? [] : outerFindings(root, disk)),
    ...await rehearseOpening(options, key),
    ...looseModes(root),
  ];
  if (!key) findings.push(...checkWithoutKey(disk, root));
  return {
    findings,
    unchecked: why === undefined ? [] : [why],
    ...(holder ? { holder } : {}),
  };
}

/** What opening a membership puts right without a word. */
export function outerFindings(root: string, disk = systemDisk): Finding[] {
  const missing = missingFolders(root).map((file) => ({
    file,
    what: "the folder is missing",
    repair: "it is made",
  }));
  const leftOver = overlayDisk(disk).list(`${root}/tmp`).map(({ name }) => ({
    file: `tmp/${name}`,
    what: "left over from a write that was interrupted",
    repair: "it is removed",
  }));
  return [...missing, ...leftOver];
}

/**
 * Reads what opening a membership leaves unread, in the order of recovery;
 * repairs are told as those of opening are.
 *
 * @param sealed Whether the key that opens sealed files is there.
 * @returns what nothing but a person can put right.
 * @see seed Node Local State Store, section 8
 */
export async function readThrough(
  store: Membership,
  sealed: boolean,
): Promise<Finding[]> {
  const reads: (() => unknown)[] = [
    () => store.marks.load(),
    () => store.trust.load(),
    () => store.trustBundle.load(),
  ];
  if (sealed) {
    reads.push(
      () => store.identity.load(),
      () => store.identity.loadPending(),
      () => store.keyRotation.pending(),
      () => store.snapshots.load(),
      () => store.granted.load(),
    );
  }
  const findings: Finding[] = [];
  for (const read of reads) {
    try {
      await read();
    } catch (error) {
      findings.push(fatal(error));
    }
  }
  if (sealed) findings.push(...await damagedCredentials(store));
  return unique(findings);
}

/** What {@linkcode Membership.credentials} would say to the agent. */
async function damagedCredentials(
  { identity, credentials }: Membership,
): Promise<Finding[]> {
  const own = await identity.load().catch(() => undefined);
  if (!own) return [];
  await credentials.take(own);
  own.privateKey.fill(0);
  if (credentials.fault === undefined) return [];
  const what = "damaged, or of another identity";
  return [{ file: CREDENTIALS_FILE, what, repair: "it is written anew" }];
}

const PERSON =
  "none; restore it from a backup, or enrol again with `plexd join --force`";

function fatal(error: unknown): Finding {
  if (
    error instanceof CorruptIdentityError || error instanceof CorruptTrustError
  ) {
    return { file: error.file, what: error.why, repair: PERSON };
  }
  if (error instanceof SealKeyError) {
    return { file: "identity", what: error.message, repair: "none" };
  }
  return { file: ".", what: describeError(error), repair: "none" };
}

/**
 * Opens a membership on a disk that keeps all changes to itself, and answers
 * what opening it would repair or refuse.
 *
 * @param key Without it nothing sealed is read.
 */
export async function rehearseOpening(
  { dataDir, cluster, clock, random, disk = systemDisk }: Omit<
    SurveyOptions,
    "seal"
  >,
  key: SealKey | undefined,
): Promise<Finding[]> {
  const recoveries: Recovery[] = [];
  const findings: Finding[] = [];
  const overlay = overlayDisk(disk);
  const { root } = membershipPaths(dataDir, cluster);
  try {
    await using store = await openMembership({
      dataDir,
      cluster,
      // One that opens nothing stands in for it; nothing sealed is read then.
      seal: key ?? await sealKeyFrom(random.bytes(32), "file"),
      clock,
      random,
      log: SILENT,
      recovered: (recovery) => recoveries.push(recovery),
      disk: overlay,
      rehearsal: true,
    });
    findings.push(...await readThrough(store, key !== undefined));
    const unread = { disk: overlay, root, cluster, clock };
    const later = await damagedUnread({ ...unread, ...(key ? { key } : {}) });
    findings.push(...later.map(({ mend: _, ...finding }) => finding));
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    findings.push(fatal(error.cause ?? error));
  }
  const repaired = recoveries.map(({ file, what, action }) => ({
    file,
    what,
    repair: action,
  }));
  return [...repaired, ...findings];
}

/** For what is tried out only. */
export const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => SILENT,
};

/** A key that nothing needs may be missing; verifying makes none. */
async function keyOf(
  { seal }: SurveyOptions,
  isNeeded: boolean,
): Promise<{ readonly key?: SealKey; readonly why?: string }> {
  try {
    return { key: await seal({ exists: true }) };
  } catch (error) {
    if (!(error instanceof SealKeyError)) throw error;
    if (!isNeeded) return {};
    const why = `what is inside sealed files (keys, snapshots): ${
      describeError(error)
    }`;
    return { why };
  }
}

function hasSealed(disk: Disk, root: string): boolean {
  return ["identity", "snapshots", "services"].some((folder) =>
    overlayDisk(disk).list(`${root}/${folder}`)
      .some(({ name }) => name.endsWith(".sealed"))
  );
}

/** What can be told of sealed files by their sums, and by who names them. */
function checkWithoutKey(disk: Disk, root: string): Finding[] {
  const findings: Finding[] = [];
  const read = (file: string) => readIfThere(disk, `${root}/${file}`);
  const identity = read(IDENTITY_FILE);
  if (identity) {
    try {
      const { sealed } = decodeIdentity(identity);
      const wanted = [
        [PRIVATE_KEY_FILE, sealed.privateKey],
        [SECRET_KEY_FILE, sealed.nodeSecretKey],
      ] as const;
      for (const [file, sum] of wanted) {
        const bytes = read(file);
        if (bytes && sha256(bytes) === sum) continue;
        const what = bytes ? "its sum is wrong" : "it is missing";
        findings.push({ file, what, repair: PERSON });
      }
    } catch (error) {
      findings.push(fatal(error));
    }
  }
  const pointer = read(POINTER_FILE);
  if (pointer && !decodePointer(pointer)) {
    const repair = "it is put out of the way; a pull has to bring a snapshot";
    findings.push({ file: POINTER_FILE, what: "damaged", repair });
  }
  return findings;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Several readers can come upon the same file. */
function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((one) => [`${one.file} ${one.what}`, one]));
  return [...seen.values()];
}
