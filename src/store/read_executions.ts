import { readIfThere, systemDisk } from "./disk.ts";
import {
  decodeExecution,
  type ExecutionRecord,
  EXECUTIONS_FOLDER,
  parseExecutionName,
} from "./execution_file.ts";
import { membershipPaths } from "./folders.ts";

/** An execution as the disk tells it. */
export interface StoredExecution extends ExecutionRecord {
  /** The control plane does not have its result yet. */
  readonly isOpen: boolean;
}

/**
 * The latest executions of a membership, the newest first, read without its
 * lock or its key. Damaged ones are left out.
 *
 * @throws {RangeError} for a cluster name that is no plain name.
 * @throws {Error} of the system when the folder cannot be read.
 */
export function readExecutions(
  dataDir: string,
  cluster: string,
  limit: number,
): StoredExecution[] {
  const folder = `${
    membershipPaths(dataDir, cluster).root
  }/${EXECUTIONS_FOLDER}`;
  const latest = namesIn(folder)
    .map((name) => parseExecutionName(name))
    .filter((one) => one !== undefined)
    .sort((a, b) => a.sortKey < b.sortKey ? 1 : -1)
    .slice(0, limit);
  const found: StoredExecution[] = [];
  for (const { name, isOpen } of latest) {
    // A running agent may have moved it on since the folder was listed.
    const bytes = readIfThere(systemDisk, `${folder}/${name}`) ??
      readIfThere(systemDisk, `${folder}/${name.replace(/^open-/, "done-")}`);
    const record = bytes && decodeExecution(bytes);
    if (record) found.push({ ...record, isOpen });
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return systemDisk.list(folder).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
