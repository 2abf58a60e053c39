import { describeError } from "../platform/log.ts";
import { ShapeError } from "../wire/shape_error.ts";
import type { DataEntry } from "../wire/data_entry.ts";
import { type Disk, type FolderEntry, isMissing, readIfThere } from "./disk.ts";
import { decodeEntryFile } from "./entry_file.ts";
import { EntryDigest } from "./entry_digest.ts";
import { fileNameOf } from "./file_name.ts";
import {
  DATA_FOLDER,
  decodePart,
  PART_FILES,
  PART_NAMES,
  type PartName,
} from "./state_files.ts";
import {
  decodeSums,
  type RedoStep,
  type StateSums,
  SUMS_FILE,
} from "./state_sums.ts";
import { EMPTY_STATE, sortedMap, type StateParts } from "./state_view.ts";
import { sha256 } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** A file that is not what it should be. */
export interface Fault {
  readonly file: string;
  readonly what: string;
  /** What helps: put it out of the way, write it anew, or nothing. */
  readonly remedy: "set_aside" | "redo" | "none";
}

/** A node's state as its files tell it, and what is wrong with them. */
export interface LoadedState {
  readonly state: StateParts;
  /** Sums of what was loaded, without redo steps. */
  readonly sums: StateSums;
  /** Steps of the last commit that a crash left undone. */
  readonly undone: readonly RedoStep[];
  readonly faults: readonly Fault[];
}

/**
 * Reads a node's state and changes nothing. Whatever is damaged, missing or
 * left over is named, and the rest is used.
 *
 * @param root The membership's folder.
 * @throws {Error} of the system when the folder of entries cannot be listed.
 */
export function loadState(disk: Disk, root: string): LoadedState {
  const loading = new Loading(disk, root);
  const parts = PART_NAMES.map((part) => loading.part(part));
  const data = loading.data();
  return loading.finish(Object.assign({}, ...parts, { data }));
}

class Loading {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #faults: Fault[] = [];
  readonly #undone: RedoStep[] = [];
  readonly #parts: Record<PartName, string | null> = {
    metadata: null,
    secrets: null,
    directory: null,
    services: null,
  };
  readonly #digest = new EntryDigest();
  readonly #sums: StateSums | undefined;
  readonly #redo: ReadonlyMap<string, RedoStep>;

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
    const bytes = this.#read(SUMS_FILE);
    this.#sums = bytes && decodeSums(bytes);
    if (bytes && !this.#sums) this.#fault(SUMS_FILE, "damaged");
    this.#redo = new Map(
      this.#sums?.redo.map((step) => [step.file, step]),
    );
  }

  part(part: PartName): Partial<StateParts> {
    const file = PART_FILES[part];
    const bytes = this.#redone(file);
    const wanted = this.#sums?.parts[part] ?? null;
    if (!bytes) {
      if (wanted !== null) this.#fault(file, "missing", "none");
      return {};
    }
    const found = sha256(bytes);
    if (found !== wanted) {
      this.#fault(file, wanted === null ? "without its sum" : "damaged");
      return {};
    }
    try {
      const decoded = decodePart(part, new TextDecoder().decode(bytes));
      this.#parts[part] = found;
      return decoded;
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      this.#fault(file, error.message);
      return {};
    }
  }

  data(): ReadonlyMap<string, DataEntry> {
    const entries: [string, DataEntry][] = [];
    for (const name of this.#dataNames()) {
      const bytes = this.#redone(`${DATA_FOLDER}/${name}`);
      if (!bytes) continue;
      const stored = decodeEntryFile(bytes);
      if (!stored || `${fileNameOf(stored.entry.key)}.json` !== name) {
        this.#fault(`${DATA_FOLDER}/${name}`, stored ? "misnamed" : "damaged");
        continue;
      }
      entries.push([stored.entry.key, stored.entry]);
      this.#digest.toggle(stored.sum);
    }
    return sortedMap(entries);
  }

  finish(parts: Partial<StateParts>): LoadedState {
    const loaded = { ...EMPTY_STATE, ...parts };
    const data = { count: loaded.data.size, digest: this.#digest.hex };
    this.#compare(data);
    // What was written anew from the sums is as good as before.
    const whole = this.#faults.every((fault) => fault.remedy === "redo");
    const complete = whole && (this.#sums?.complete ?? false);
    const position = this.#sums?.position;
    const place = { ...(position ? { position } : {}), complete };
    return {
      state: Object.freeze({ ...loaded, ...place }),
      sums: { ...place, parts: this.#parts, data, redo: [] },
      undone: this.#undone,
      faults: this.#faults,
    };
  }

  /** Entries that are gone, or older than they should be, show in the whole. */
  #compare(data: StateSums["data"]) {
    const wanted = this.#sums?.data;
    // A fault that has been named already explains a difference.
    if (this.#faults.some((fault) => fault.remedy !== "redo")) return;
    if (!wanted) {
      if (data.count > 0) this.#fault(SUMS_FILE, "missing", "none");
    } else if (wanted.count !== data.count || wanted.digest !== data.digest) {
      this.#fault(DATA_FOLDER, "an entry is missing or older", "none");
    }
  }

  /** Names of entry files, those that the last commit still has to write, too. */
  #dataNames(): string[] {
    const names = new Set<string>();
    for (const file of this.#redo.keys()) {
      if (file.startsWith(`${DATA_FOLDER}/`)) {
        names.add(file.slice(DATA_FOLDER.length + 1));
      }
    }
    for (const entry of this.#listData()) {
      if (entry.isFile) names.add(entry.name);
      else this.#fault(`${DATA_FOLDER}/${entry.name}`, "not a file");
    }
    // Sorted here, the entries are, too, and need not be put in order.
    return [...names].sort();
  }

  #listData(): FolderEntry[] {
    try {
      return this.#disk.list(`${this.#root}/${DATA_FOLDER}`);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** A file's bytes once the last commit is carried through. */
  #redone(file: string): Uint8Array<ArrayBuffer> | undefined {
    const found = this.#read(file);
    const step = this.#redo.get(file);
    if (!step) return found;
    const wanted = step.text === null
      ? undefined
      : new TextEncoder().encode(step.text);
    const sum = found ? sha256(found) : null;
    if (sum === (wanted ? sha256(wanted) : null)) return wanted;
    this.#undone.push(step);
    if (step.old !== undefined && sum !== step.old) {
      this.#fault(file, found ? "damaged" : "missing", "redo");
    }
    return wanted;
  }

  #read(file: string): Uint8Array<ArrayBuffer> | undefined {
    try {
      return readIfThere(this.#disk, `${this.#root}/${file}`);
    } catch (error) {
      if (isShortage(error)) throw error;
      // The file may be sound all the same: leave it.
      this.#fault(file, `unreadable: ${describeError(error)}`, "none");
      return undefined;
    }
  }

  #fault(file: string, what: string, remedy: Fault["remedy"] = "set_aside") {
    this.#faults.push({ file, what, remedy });
  }
}
