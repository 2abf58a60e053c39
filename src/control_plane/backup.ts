import { resolve } from "node:path";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import { copyDatabase, type DatabaseCopy } from "./storage/backup_database.ts";

/** Options for {@linkcode backUp}. */
export interface BackupOptions {
  /** Folder of the control plane, which may be running. */
  readonly dataDir: string;
  /**
   * Where the copy of the database goes. There must be nothing yet, neither
   * there nor where the keys go.
   */
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
 * fails leaves none. What is there already, such as the only copy of an older
 * master key, stays as it is.
 *
 * @throws {Deno.errors.AlreadyExists} with the path as its message, and
 * {@linkcode StorageError}
 */
export async function backUp(
  { dataDir, includeKeys = false, ...options }: BackupOptions,
): Promise<Backup> {
  const path = resolve(options.path);
  const keys = includeKeys ? KEY_FILES : [];
  const taken: string[] = [];
  try {
    for (const one of [path, ...keys.map((name) => `${path}.${name}`)]) {
      takePlace(one);
      taken.push(one);
    }
    const files = [path];
    const copy = await copyDatabase(`${dataDir}/control-plane.db`, path);
    using file = Deno.openSync(path, { write: true });
    file.syncSync();
    for (const name of keys) {
      const text = readPrivateFile(`${dataDir}/${name}`);
      if (text === undefined) {
        Deno.removeSync(`${path}.${name}`);
        continue;
      }
      files.push(`${path}.${name}`);
      writePrivateFile(`${path}.${name}`, text + "\n");
    }
    return { ...copy, files };
  } catch (error) {
    for (const one of taken) await Deno.remove(one).catch(() => {});
    throw error;
  }
}

/** Makes an empty file, where there is none. */
function takePlace(path: string) {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new Deno.errors.AlreadyExists(path, { cause: error });
  }
}
