import { basename } from "node:path";
import type { Platform } from "../platform/platform.ts";
import { openUpdates, type UpdateStore } from "../store/update_store.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import { memberships } from "./folders.ts";

/**
 * What every membership of a node knows of updates. One that cannot be written
 * is told and passed over: a node with a full disk needs its upgrade, too.
 */
export class UpdateRecords {
  readonly #stores: readonly UpdateStore[];
  readonly #io: Platform;

  constructor(dataDir: string, io: Platform) {
    this.#io = io;
    this.#stores = memberships(dataDir).flatMap((root) => {
      const cluster = basename(root);
      const store = openUpdates({ dataDir, cluster, ...io });
      return store ? [store] : [];
    });
  }

  note(what: (store: UpdateStore) => void): void {
    for (const store of this.#stores) {
      try {
        what(store);
      } catch (error) {
        if (!(error instanceof StoreWriteError)) throw error;
        this.#io.log.warn("An update could not be noted", { error });
      }
    }
  }
}
