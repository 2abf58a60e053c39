import { Counts, Durations } from "../node_api/metrics/counters.ts";
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../store/disk.ts";
import type { MetricFamily } from "../wire/prometheus.ts";

/** From a fast drive to one that is in trouble, in seconds. */
const BOUNDS = [
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  5,
];

/** What is made durable: `file` and `log` with what is written before it. */
const OPERATIONS = ["file", "folder", "log"] as const;

/** A disk that counts what is made durable on it. */
export interface CountedDisk {
  readonly disk: Disk;
  figures(): readonly MetricFamily[];
}

/** The same disk; each call that ends in an fsync is counted and timed. */
export function countedDisk(disk: Disk, clock: Clock): CountedDisk {
  const times = new Durations(
    "plexd_store_write_duration_seconds",
    "Time that a write to the store took until it was durable: a new file, " +
      "an entry of a log, the names of a folder.",
    "operation",
    BOUNDS,
  );
  const failures = new Counts(
    "plexd_store_write_failures_total",
    "Writes to the store that the disk did not take.",
    "operation",
    OPERATIONS,
  );
  let bytesWritten = 0;
  const began = (operation: typeof OPERATIONS[number]) => {
    const startMs = clock.elapsed();
    return {
      done: (bytes: number) => {
        bytesWritten += bytes;
        times.add(operation, (clock.elapsed() - startMs) / 1_000);
      },
      failed: () => failures.add(operation),
    };
  };
  const now = (
    operation: typeof OPERATIONS[number],
    bytes: number,
    write: () => void,
  ) => {
    const { done, failed } = began(operation);
    try {
      write();
    } catch (error) {
      failed();
      throw error;
    }
    done(bytes);
  };
  const later = async (
    operation: typeof OPERATIONS[number],
    bytes: number,
    write: () => Promise<void>,
  ) => {
    const { done, failed } = began(operation);
    try {
      await write();
    } catch (error) {
      failed();
      throw error;
    }
    done(bytes);
  };
  return {
    disk: {
      ...disk,
      createNow: (path, bytes) =>
        now("file", bytes.length, () => disk.createNow(path, bytes)),
      create: (path, bytes) =>
        later("file", bytes.length, () => disk.create(path, bytes)),
      openFolder(path) {
        const folder = disk.openFolder(path);
        return {
          syncNow: () => now("folder", 0, () => folder.syncNow()),
          sync: () => later("folder", 0, () => folder.sync()),
          close: () => folder.close(),
        };
      },
      openLog(path) {
        const log = disk.openLog(path);
        return {
          write: (offset, bytes) =>
            later("log", bytes.length, () => log.write(offset, bytes)),
          close: () => log.close(),
        };
      },
    },
    figures: () => [
      times.family,
      failures.family,
      {
        name: "plexd_store_written_bytes_total",
        help: "Bytes that were written to the store and are durable.",
        type: "counter",
        samples: [{ value: bytesWritten }],
      },
    ],
  };
}
