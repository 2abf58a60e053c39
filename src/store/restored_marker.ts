import { isoTime } from "../platform/clock.ts";
import { type Disk, isMissing } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { withSum } from "./summed_json.ts";

/** Path of the marker, below the membership's folder. */
export const RESTORED_FILE = "trust/restored.json";

/**
 * Says that files here come from a backup: until the control plane has answered,
 * nobody knows whether this node is still wanted.
 *
 * @see seed Node Local State Store, section 11 "Backup and Restore"
 */
export class RestoredMarker {
  readonly #context: StoreContext;
  readonly #cleared = Promise.withResolvers<void>();
  #isPending: boolean;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#isPending = isMarked(context.disk, context.root);
  }

  /** Whether the control plane still has to be asked. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Resolves once the control plane has answered; at once if it need not. */
  confirmed(): Promise<void> {
    return this.#isPending ? this.#cleared.promise : Promise.resolve();
  }

  /** @throws {StoreWriteError} when it could not be made durable. */
  set(): void {
    const { disk, temp, folders, clock } = this.#context;
    const at = isoTime(clock.now());
    const { bytes } = withSum(JSON.stringify({ format: 1, at }));
    try {
      replaceFileNow(disk, temp, folders.target(RESTORED_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("that this node is restored", error);
    }
    this.#isPending = true;
  }

  /**
   * The control plane has answered.
   *
   * @throws {StoreWriteError} when that could not be made durable: then it has
   * to answer once more.
   */
  clear(): void {
    if (!this.#isPending) return;
    const { disk, root, folders } = this.#context;
    try {
      disk.remove(`${root}/${RESTORED_FILE}`);
      folders.get("trust").syncNow();
    } catch (error) {
      throw new StoreWriteError("that this node is confirmed", error);
    }
    this.#isPending = false;
    this.#cleared.resolve();
  }
}

/** Whatever it holds, it counts; so does one that cannot be read. */
function isMarked(disk: Disk, root: string): boolean {
  try {
    disk.read(`${root}/${RESTORED_FILE}`);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}
