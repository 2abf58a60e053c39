import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import type { DamagedFolder } from "./damaged_folder.ts";
import type { Disk, OpenFolder } from "./disk.ts";
import type { RecoveryListener } from "./recovery.ts";
import type { Target, TempFolder } from "./replace_file.ts";

/** What the stores of one membership share. */
export interface StoreContext {
  /** The membership's folder. */
  readonly root: string;
  readonly cluster: string;
  readonly disk: Disk;
  readonly temp: TempFolder;
  readonly damaged: DamagedFolder;
  readonly folders: OpenFolders;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recovered: RecoveryListener;
}

/** Folders of one membership, each opened once and kept open. */
export class OpenFolders {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #open = new Map<string, OpenFolder>();

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** @param name Path below the membership's folder. */
  get(name: string): OpenFolder {
    const known = this.#open.get(name);
    if (known) return known;
    const folder = this.#disk.openFolder(`${this.#root}/${name}`);
    this.#open.set(name, folder);
    return folder;
  }

  /** Where a file is, and which folder holds its name. */
  target(file: string): Target {
    const folder = this.get(file.slice(0, file.lastIndexOf("/")));
    return { path: `${this.#root}/${file}`, folder };
  }

  close(): void {
    for (const folder of this.#open.values()) folder.close();
    this.#open.clear();
  }
}
