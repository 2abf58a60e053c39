import type { DataEntry } from "../wire/data_entry.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { EntryDigest } from "./entry_digest.ts";
import {
  dataFileOf,
  encodeData,
  encodePart,
  PART_FILES,
  PART_NAMES,
  type PartName,
  samePart,
} from "./state_files.ts";
import type { RedoStep, StateSums } from "./state_sums.ts";
import type { StateParts } from "./state_view.ts";
import { sha256 } from "./summed_json.ts";

/** A file of the state: one part, one data entry, or one that has to go. */
export type StateFile =
  | { readonly part: PartName }
  | { readonly key: string }
  | { readonly gone: string };

/** A file's path below the membership's folder. */
export function pathOf(file: StateFile): string {
  if ("gone" in file) return file.gone;
  return "part" in file ? PART_FILES[file.part] : dataFileOf(file.key);
}

/** One step with its bytes at hand; undefined when the file goes. */
export interface CommitStep extends RedoStep {
  readonly target: StateFile;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** What has to be written to get from one state to the next. */
export interface StateCommit {
  readonly sums: StateSums;
  readonly steps: readonly CommitStep[];
}

/**
 * Plans the way from one state to the next: only files that differ, and those
 * of which nobody knows what they hold since a commit failed.
 *
 * @param sums What `from` looks like on disk.
 */
export function planCommit(
  from: StateParts,
  to: StateParts,
  sums: StateSums,
  unsure: ReadonlyMap<string, StateFile>,
): StateCommit {
  const steps = new Map<string, CommitStep>();
  const parts = { ...sums.parts };
  const digest = new EntryDigest(sums.data.digest);
  for (const part of PART_NAMES) {
    const file = PART_FILES[part];
    if (samePart(part, from, to)) continue;
    const bytes = new TextEncoder().encode(encodePart(part, to));
    const old = unsure.has(file) ? undefined : parts[part];
    steps.set(file, stepFor({ part }, bytes, old));
    parts[part] = sha256(bytes);
  }
  for (const { key, before, after } of changedEntries(from, to)) {
    const old = before && encodeEntryFile(before);
    const now = after && encodeEntryFile(after);
    if (old) digest.toggle(old.sum);
    if (now) digest.toggle(now.sum);
    const oldSum = old ? sha256(old.bytes) : null;
    const known = unsure.has(dataFileOf(key)) ? undefined : oldSum;
    const step = stepFor({ key }, now?.bytes, known);
    steps.set(step.file, step);
  }
  for (const [file, target] of unsure) {
    if (steps.has(file)) continue;
    steps.set(file, stepFor(target, bytesOf(target, to, parts)));
  }
  return {
    sums: {
      ...(to.position ? { position: to.position } : {}),
      complete: to.complete,
      parts,
      data: { count: to.data.size, digest: digest.hex },
      redo: [...steps.values()].map(redoOf),
    },
    steps: [...steps.values()],
  };
}

function stepFor(
  target: StateFile,
  bytes: Uint8Array<ArrayBuffer> | undefined,
  old?: string | null,
): CommitStep {
  const text = bytes ? new TextDecoder().decode(bytes) : null;
  const file = pathOf(target);
  return { target, bytes, file, text, ...(old === undefined ? {} : { old }) };
}

function redoOf({ file, text, old }: CommitStep): RedoStep {
  return old === undefined ? { file, text } : { file, old, text };
}

/** What a file holds in a state; a part that was never written has no file. */
function bytesOf(
  target: StateFile,
  state: StateParts,
  parts: Readonly<Record<PartName, string | null>>,
): Uint8Array<ArrayBuffer> | undefined {
  if ("gone" in target) return undefined;
  if ("key" in target) return encodeData(target.key, state);
  if (parts[target.part] === null) return undefined;
  return new TextEncoder().encode(encodePart(target.part, state));
}

interface ChangedEntry {
  readonly key: string;
  readonly before: DataEntry | undefined;
  readonly after: DataEntry | undefined;
}

/** Equal entries are the same object, see `applyChange()`. */
function* changedEntries(
  from: StateParts,
  to: StateParts,
): Generator<ChangedEntry> {
  if (from.data === to.data) return;
  let kept = 0;
  for (const [key, after] of to.data) {
    const before = from.data.get(key);
    if (before) kept++;
    if (before !== after) yield { key, before, after };
  }
  if (kept === from.data.size) return;
  for (const [key, before] of from.data) {
    if (!to.data.has(key)) yield { key, before, after: undefined };
  }
}
