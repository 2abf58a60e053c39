import type { Clock } from "../platform/clock.ts";
import { parseSignedSnapshot } from "../wire/signed_snapshot.ts";
import { ShapeError } from "../wire/shape_error.ts";
import { DamagedFolder } from "./damaged_folder.ts";
import type { Disk } from "./disk.ts";
import {
  decodeExecution,
  encodeExecution,
  EXECUTIONS_FOLDER,
  parseExecutionName,
} from "./execution_file.ts";
import type { Finding } from "./finding.ts";
import { isDamagedKeyName } from "./key_in_use.ts";
import { replaceFileNow, TempFolder } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import { DamagedSealError, unsealText } from "./sealed_file.ts";
import { OpenFolders } from "./store_context.ts";
import { SealKeyError } from "./store_errors.ts";

/** What looking at files needs that opening a membership does not read. */
export interface UnreadFiles {
  readonly disk: Disk;
  /** The membership's folder. */
  readonly root: string;
  readonly cluster: string;
  /** Absent when sealed files cannot be opened: then they are left out. */
  readonly key?: SealKey;
  readonly clock: Clock;
}

/** A finding, and what helps against it. */
export interface UnreadFinding extends Finding {
  /** @throws {Error} of the system when it cannot be done. */
  mend(): void;
}

/**
 * Damaged files that are of use only later: earlier snapshots, and executions
 * that are over.
 */
export async function damagedUnread(
  files: UnreadFiles,
): Promise<UnreadFinding[]> {
  return [...await damagedSnapshots(files), ...damagedExecutions(files)];
}

async function damagedSnapshots(
  files: UnreadFiles,
): Promise<UnreadFinding[]> {
  const { disk, root, key, clock } = files;
  if (!key) return [];
  const damaged = new DamagedFolder(disk, root, clock);
  const found: UnreadFinding[] = [];
  for (const { name } of disk.list(`${root}/snapshots`)) {
    if (!name.endsWith(".sealed")) continue;
    const file = `snapshots/${name}`;
    if (await isSnapshot(disk.read(`${root}/${file}`), files, key)) continue;
    found.push({
      file,
      what: "damaged",
      repair: "it is put out of the way",
      mend: () => void damaged.setAside(file),
    });
  }
  return found;
}

async function isSnapshot(
  bytes: Uint8Array<ArrayBuffer>,
  { disk, root, cluster }: UnreadFiles,
  key: SealKey,
): Promise<boolean> {
  try {
    const place = { cluster, role: "snapshot" } as const;
    parseSignedSnapshot(await unsealText(key, place, bytes));
    return true;
  } catch (error) {
    if (isDamagedKeyName(error, disk, root, key)) return false;
    if (error instanceof SealKeyError) return true; // told of with the identity
    if (error instanceof DamagedSealError || error instanceof ShapeError) {
      return false;
    }
    throw error;
  }
}

function damagedExecutions(
  { disk, root, clock }: UnreadFiles,
): UnreadFinding[] {
  const damaged = new DamagedFolder(disk, root, clock);
  const found: UnreadFinding[] = [];
  for (const { name } of disk.list(`${root}/${EXECUTIONS_FOLDER}`)) {
    const parts = parseExecutionName(name);
    if (!parts || parts.isOpen) continue;
    const file = `${EXECUTIONS_FOLDER}/${name}`;
    const bytes = disk.read(`${root}/${file}`);
    if (decodeExecution(bytes)) continue;
    const acceptedAtMs = Number(parts.sortKey.slice(0, 14));
    const record = { executionId: parts.idPart, action: "", acceptedAtMs };
    found.push({
      file,
      what: "damaged",
      repair: "its time and id are kept, as its name tells them",
      mend() {
        damaged.keepCopy(file, bytes);
        const folders = new OpenFolders(disk, root);
        const target = folders.target(file);
        try {
          const temp = new TempFolder(disk, `${root}/tmp`);
          replaceFileNow(disk, temp, target, encodeExecution(record));
        } finally {
          folders.close();
        }
      },
    });
  }
  return found;
}
