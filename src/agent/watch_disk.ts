import { describeError } from "../platform/log.ts";
import type { ApiReports } from "../node_api/ports.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import type { Degraded } from "../sync/degraded.ts";

/** Follows whether the disk takes what is to be stored. */
export interface DiskWatch {
  /** A call failed, because of the disk or otherwise. */
  failed(failure: unknown): void;
  /** Something was stored. */
  wrote(): void;
}

const REASONS = {
  no_space: "disk_full",
  read_only: "store_read_only",
} as const;

/**
 * Shows a disk that is full or read-only, from the first write that fails to
 * the next one that does not: nothing else tells that it is over.
 */
export function watchDisk(degraded: Degraded): DiskWatch {
  return {
    failed(failure) {
      if (!(failure instanceof StoreWriteError)) return;
      if (failure.kind === "io") return;
      const detail = describeError(failure);
      degraded.raise(REASONS[failure.kind], { detail });
    },
    wrote() {
      for (const reason of Object.values(REASONS)) degraded.clear(reason);
    },
  };
}

/** The same reports; `disk` hears of writes that fail. */
export function watchReports(
  reports: ApiReports,
  { failed }: DiskWatch,
): ApiReports {
  const watched = <Result>(work: Promise<Result>) => {
    work.catch(failed);
    return work;
  };
  return {
    get view() {
      return reports.view;
    },
    get: (key) => reports.get(key),
    put: (key, content, condition) =>
      watched(reports.put(key, content, condition)),
    putAll: (writes) => watched(reports.putAll(writes)),
    delete: (key) => watched(reports.delete(key)),
  };
}
