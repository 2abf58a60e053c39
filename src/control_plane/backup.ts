import { resolve } from "node:path";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import { copyDatabase, type DatabaseCopy } from "./storage/backup_database.ts";

/** Options for {@linkcode backUp}. */
export interface BackupOptions {
  /** Folder of the control plane, which may be running. */
  readonly dataDir: string;
  /** Where the copy of the database goes. There must be nothing yet. */
  readonly path: string;
  /**
   * Writes the master key and the first admin token beside it: whoever has these
   * files and the copy has everything. @default {false}
   */
  readonly includeKeys?: boolean;
}

/** A backup that was made. */
export interface Backup extends DatabaseCopy {
  /** Its files, the copy first. */
  readonly files: readonly string[];
}

/** What is not in the database, and is needed to work on it. */
const KEY_FILES = ["master-key", "admin-token"] as const;

/**
 * Backs a control plane up while it runs. All files are 0600, and a backup that
 * fails leaves none.
 *
 * @throws {Deno.errors.AlreadyExists} {@linkcode StorageError}
 */
export async function backUp(
  { dataDir, includeKeys = false, ...options }: BackupOptions,
): Promise<Backup> {
  const path = resolve(options.path);
  Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  const files = [path];
  try {
    const copy = await copyDatabase(`${dataDir}/control-plane.db`, path);
    using file = Deno.openSync(path, { write: true });
    file.syncSync();
    for (const name of includeKeys ? KEY_FILES : []) {
      const text = readPrivateFile(`${dataDir}/${name}`);
      if (text === undefined) continue;
      files.push(`${path}.${name}`);
      writePrivateFile(`${path}.${name}`, text + "\n");
    }
    return { ...copy, files };
  } catch (error) {
    for (const one of files) await Deno.remove(one).catch(() => {});
    throw error;
  }
}
