import { describeError } from "../platform/log.ts";
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "./disk.ts";

/** Where damaged files go, below the membership's folder. */
export const DAMAGED_FOLDER = "state/.damaged";

/** Damaged files that are kept; the oldest give way. */
const MAX_KEPT = 256;

/** Room for the time in front, within the 255 bytes of a file name. */
const LONGEST_NAME = 220;

/** Puts damaged files out of the way, so that a person can look at them. */
export class DamagedFolder {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #clock: Clock;
  #count = 0;

  constructor(disk: Disk, root: string, clock: Clock) {
    this.#disk = disk;
    this.#root = root;
    this.#clock = clock;
  }

  /**
   * Moves a file away.
   *
   * @param file Path below the membership's folder.
   * @returns What was done, in words; it never throws, since a file that stays
   * must not keep the agent from starting.
   */
  setAside(file: string): string {
    return this.#keep(file, (to) => this.#disk.rename(this.#at(file), to));
  }

  /** Keeps a copy, of a file that is about to be replaced. Never throws. */
  keepCopy(file: string, bytes: Uint8Array): string {
    return this.#keep(file, (to) => this.#disk.createNow(to, bytes));
  }

  #keep(file: string, move: (to: string) => void): string {
    const at = `${this.#clock.now()}`.padStart(14, "0");
    const number = `${this.#count++}`.padStart(5, "0");
    const name = file.replaceAll("/", "-").slice(-LONGEST_NAME);
    const to = `${DAMAGED_FOLDER}/${at}-${number}-${name}`;
    try {
      move(this.#at(to));
      this.#makeRoom();
      return `kept as ${to}`;
    } catch (error) {
      return `not put out of the way: ${describeError(error)}`;
    }
  }

  #at(file: string): string {
    return `${this.#root}/${file}`;
  }

  #makeRoom() {
    const folder = `${this.#root}/${DAMAGED_FOLDER}`;
    const names = this.#disk.list(folder).map((entry) => entry.name).sort();
    for (const name of names.slice(0, -MAX_KEPT)) {
      this.#disk.remove(`${folder}/${name}`);
    }
  }
}
