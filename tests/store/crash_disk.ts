import { dirname } from "node:path";
import {
  type Disk,
  type FolderEntry,
  type OpenFolder,
  type OpenLog,
  readIfThere,
  systemDisk,
} from "../../src/store/disk.ts";

/** The step at which the world ends, or at which one call fails. */
export interface CrashPlan {
  /** Number of the step, from 1. */
  readonly at: number;
  /** After the step nothing works any more, or only the step fails. */
  readonly then: "end" | "go_on";
  /** @default {"EIO"} */
  readonly code?: string;
  /** Only steps of this kind count. @default {any} */
  readonly only?: string;
}

interface Unsynced {
  readonly path: string;
  readonly before: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The real disk up to a chosen step: there, half of a write happens, or nothing
 * of anything else. It remembers which names were not made durable, so that a
 * test can take them back, as a power cut may.
 */
export class CrashDisk implements Disk {
  /** Steps taken so far, by name. */
  readonly steps: string[] = [];
  /** Changes of names that no sync of their folder has followed, in order. */
  unsynced: Unsynced[] = [];
  #plan: CrashPlan | undefined;
  #counted = 0;
  #dead = false;

  constructor(plan?: CrashPlan) {
    this.#plan = plan;
  }

  /** Whether the planned step was reached. */
  get reached(): boolean {
    return this.#plan === undefined || this.#counted >= this.#plan.at;
  }

  /** Plans anew, counting from the next step. */
  plan(plan: CrashPlan): void {
    this.#plan = plan;
    this.#counted = 0;
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    return systemDisk.read(path);
  }

  list(path: string): FolderEntry[] {
    return systemDisk.list(path);
  }

  createNow(path: string, bytes: Uint8Array): void {
    this.#step("create", () => systemDisk.createNow(path, half(bytes)));
    systemDisk.createNow(path, bytes);
  }

  create(path: string, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.createNow(path, bytes);
      resolve();
    });
  }

  rename(from: string, to: string): void {
    this.#step("rename");
    this.#changes(to);
    systemDisk.rename(from, to);
  }

  remove(path: string): void {
    this.#step("remove");
    this.#changes(path);
    systemDisk.remove(path);
  }

  openFolder(path: string): OpenFolder {
    const syncNow = () => {
      this.#step("sync");
      this.unsynced = this.unsynced.filter((it) => dirname(it.path) !== path);
    };
    return {
      syncNow,
      sync: () =>
        new Promise((resolve) => {
          syncNow();
          resolve();
        }),
      close: () => {},
    };
  }

  openLog(path: string): OpenLog {
    const log = systemDisk.openLog(path);
    return {
      write: async (offset, bytes) => {
        try {
          this.#step("append");
        } catch (error) {
          await log.write(offset, half(bytes));
          throw error;
        }
        await log.write(offset, bytes);
      },
      close: () => log.close(),
    };
  }

  /**
   * Takes back, in a copy of the folder, what was done to some of the paths
   * that were never synced.
   */
  undo(paths: readonly string[], folder: string, copy: string): void {
    for (const { path, before } of this.unsynced.toReversed()) {
      if (!paths.includes(path)) continue;
      const copied = path.replace(folder, copy);
      if (before) Deno.writeFileSync(copied, before);
      else systemDisk.remove(copied);
    }
  }

  #changes(path: string) {
    // What never had a name of its own is wiped at the next start anyway.
    if (path.includes("/default/tmp/")) return;
    const before = readIfThere(systemDisk, path);
    this.unsynced.push({ path, before });
  }

  #step(name: string, partly?: () => void) {
    if (this.#dead) throw failure("EIO");
    this.steps.push(name);
    if (!this.#plan) return;
    const { at, only = name, then, code = "EIO" } = this.#plan;
    if (only !== name || ++this.#counted !== at) return;
    this.#dead = then === "end";
    partly?.();
    throw failure(code);
  }
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length >> 1);
}

/** A failure as the system reports it. */
export function failure(code: string): Error {
  return Object.assign(new Error(`${code} (os error)`), { code });
}
