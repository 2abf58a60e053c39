import type { DataEntry } from "../wire/data_entry.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";

/** Far more than programs on one node have writes under way. */
const MOST_WAITERS = 1_000;

interface Waiter {
  /** What was written; undefined for a deletion. */
  readonly entry: DataEntry | undefined;
  /** The plan of changes that was the latest when it came. */
  readonly plan: number;
  readonly end: (state: ReportSyncState) => void;
}

/** Those who wait until the control plane has what they wrote. */
export class SyncWaiters {
  readonly #waiters = new Map<string, Set<Waiter>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Waits for a change of `key`.
   *
   * @param plan Number of the latest plan: what a later one brings of this key
   * is at least as new as `entry`.
   * @param signal Ends the wait, as does one waiter too many: "pending".
   */
  add(
    key: string,
    entry: DataEntry | undefined,
    plan: number,
    signal: AbortSignal,
  ): Promise<ReportSyncState> {
    if (signal.aborted || this.#size >= MOST_WAITERS) {
      return Promise.resolve("pending");
    }
    return new Promise((resolve) => {
      const ofKey = this.#waiters.get(key) ?? new Set();
      const leave = () => waiter.end("pending");
      const waiter: Waiter = {
        entry,
        plan,
        end: (state) => {
          if (!ofKey.delete(waiter)) return;
          if (ofKey.size === 0) this.#waiters.delete(key);
          this.#size--;
          signal.removeEventListener("abort", leave);
          resolve(state);
        },
      };
      this.#waiters.set(key, ofKey.add(waiter));
      this.#size++;
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** What a plan held of a key has come to an end. */
  ended(
    key: string,
    entry: DataEntry | undefined,
    plan: number,
    state: ReportSyncState,
  ): void {
    for (const waiter of [...this.#waiters.get(key) ?? []]) {
      const isOfIt = entry !== undefined && waiter.entry === entry;
      if (isOfIt || waiter.plan < plan) waiter.end(state);
    }
  }

  /** Nothing of these keys waits any more: so nobody needs to wait for them. */
  endAllBut(pending: ReadonlySet<string>): void {
    for (const [key, ofKey] of [...this.#waiters]) {
      if (pending.has(key)) continue;
      for (const waiter of [...ofKey]) waiter.end("synced");
    }
  }

  endAll(state: ReportSyncState): void {
    for (const ofKey of [...this.#waiters.values()]) {
      for (const waiter of [...ofKey]) waiter.end(state);
    }
  }
}
