import { describeError } from "../platform/log.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { type Disk, isMissing } from "./disk.ts";
import { decodeEntryFile } from "./entry_file.ts";
import type { Fault } from "./load_state.ts";
import { REPORT_FOLDER, reportFileOf } from "./report_store.ts";
import type { StoreContext } from "./store_context.ts";
import { isShortage } from "./typed_reads.ts";

/** The reports as their files tell them, and what is wrong with the files. */
export interface LoadedReports {
  readonly entries: readonly DataEntry[];
  readonly faults: readonly Fault[];
}

/**
 * Reads all reports and changes nothing.
 *
 * @param root The membership's folder.
 * @throws {Error} of the system when the folder cannot be listed.
 */
export function loadReports(disk: Disk, root: string): LoadedReports {
  const entries: DataEntry[] = [];
  const faults: Fault[] = [];
  for (const { name, isFile } of listReports(disk, root)) {
    const file = `${REPORT_FOLDER}/${name}`;
    if (!isFile) {
      faults.push({ file, what: "not a file", remedy: "set_aside" });
      continue;
    }
    try {
      const stored = decodeEntryFile(disk.read(`${root}/${file}`));
      if (stored && reportFileOf(stored.entry.key) === file) {
        entries.push(stored.entry);
        continue;
      }
      const what = stored ? "misnamed" : "damaged";
      faults.push({ file, what, remedy: "set_aside" });
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = `unreadable: ${describeError(error)}`;
      // The file may be sound all the same: leave it.
      faults.push({ file, what, remedy: "none" });
    }
  }
  return { entries, faults };
}

function listReports(disk: Disk, root: string) {
  try {
    return disk.list(`${root}/${REPORT_FOLDER}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Reads all reports, and puts damaged files out of the way and says so: a
 * report is the node's own and never vanishes silently.
 */
export function openReports(context: StoreContext): LoadedReports {
  const { disk, root, damaged, recovered } = context;
  const loaded = loadReports(disk, root);
  for (const { file, what, remedy } of loaded.faults) {
    const action = remedy === "set_aside"
      ? damaged.setAside(file)
      : "left where it is, and not served";
    recovered({ file, what, action });
  }
  return loaded;
}
