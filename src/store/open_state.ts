import { describeError } from "../platform/log.ts";
import { decodeEntryFile } from "./entry_file.ts";
import { type Fault, loadState } from "./load_state.ts";
import { replaceFileNow } from "./replace_file.ts";
import { pathOf, type StateFile } from "./state_commit.ts";
import { PART_FILES, PART_NAMES } from "./state_files.ts";
import {
  encodeSums,
  type RedoStep,
  type StateSums,
  SUMS_FILE,
} from "./state_sums.ts";
import { StateStore } from "./state_store.ts";
import type { StoreContext } from "./store_context.ts";

/**
 * Opens the node's state: carries an interrupted commit through, puts damaged
 * files out of the way and says so. A disk that refuses the repair does not
 * keep the agent from starting; the next commit tries again.
 *
 * @throws {Error} of the system when the folder of entries cannot be listed.
 */
export function openState(context: StoreContext): StateStore {
  const { state, sums, undone, faults } = loadState(context.disk, context.root);
  const unsure = new Map<string, StateFile>();
  const failures: unknown[] = [];
  for (const step of undone) {
    try {
      redo(context, step);
    } catch (error) {
      failures.push(error);
      unsure.set(step.file, targetOf(step));
    }
  }
  for (const fault of faults) report(context, fault);
  let sumsUnsure = unsure.size > 0;
  if (faults.some((fault) => fault.remedy !== "redo")) {
    try {
      // Steps that could not be done must not be lost with the sums.
      if (unsure.size === 0) writeSums(context, sums);
    } catch (error) {
      failures.push(error);
      sumsUnsure = true;
    }
  }
  if (failures.length > 0) {
    context.log.warn("State files could not be put in order yet", {
      files: [...unsure.values()].map(pathOf),
      error: describeError(failures[0]),
    });
  }
  return new StateStore(context, { state, sums, unsure, sumsUnsure });
}

function redo({ disk, temp, folders, root }: StoreContext, step: RedoStep) {
  const target = folders.target(step.file);
  if (step.text === null) {
    disk.remove(`${root}/${step.file}`);
    target.folder.syncNow();
    return;
  }
  replaceFileNow(disk, temp, target, new TextEncoder().encode(step.text));
}

function targetOf({ file, text }: RedoStep): StateFile {
  const part = PART_NAMES.find((name) => PART_FILES[name] === file);
  if (part) return { part };
  const bytes = text === null ? undefined : new TextEncoder().encode(text);
  const stored = bytes && decodeEntryFile(bytes);
  return stored ? { key: stored.entry.key } : { gone: file };
}

function writeSums(
  { disk, temp, folders }: StoreContext,
  sums: StateSums,
) {
  const target = folders.target(SUMS_FILE);
  replaceFileNow(disk, temp, target, encodeSums(sums));
}

function report({ damaged, recovered }: StoreContext, fault: Fault) {
  const { file, what, remedy } = fault;
  const actions = {
    set_aside: () => damaged.setAside(file),
    redo: () => "written anew from the last commit",
    none: () => "the rest is used until the next pull",
  };
  recovered({ file, what, action: actions[remedy]() });
}
