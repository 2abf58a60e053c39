import assert from "node:assert/strict";
import type { Disk } from "../../src/store/disk.ts";
import type { ReportChanges } from "../../src/store/sync_ledger.ts";
import {
  ReportSyncer,
  type ReportSyncerOptions,
  type SyncRecord,
} from "../../src/sync/report_syncer.ts";
import {
  ControlError,
  type ControlErrorDetails,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { openStore } from "../store/open_store.ts";
import { until } from "../uplink/serve.ts";

/** Takes reports; a rule may refuse them first, and failures come before all. */
export class FakeControl {
  readonly calls: ReportChanges[] = [];
  readonly failures: Error[] = [];
  rule: (changes: ReportChanges) => Error | undefined = () => undefined;
  meanwhile: (() => Promise<unknown>) | undefined;

  async syncReports(changes: ReportChanges): Promise<void> {
    this.calls.push(changes);
    await this.meanwhile?.();
    const failure = this.failures.shift() ?? this.rule(changes);
    if (failure) throw failure;
  }

  /** What each call carried: `key@version`, and `-key` for deletions. */
  sent(): string[][] {
    return this.calls.map(({ entries, deleted }) => [
      ...entries.map(({ key, version }) => `${key}@${version}`),
      ...deleted.map((key) => `-${key}`),
    ]);
  }
}

/** A failed call. */
export function failure(
  kind: ControlFailure,
  details: ControlErrorDetails = {},
): ControlError {
  return new ControlError(kind, `Failed: ${kind}`, details);
}

type Store = Awaited<ReturnType<typeof openStore>>["store"];

/** A syncer at work, under the hands of a test. */
export interface Running {
  readonly store: Store;
  readonly uplink: FakeControl;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly syncer: ReportSyncer;
  put(key: string, payload?: string): Promise<unknown>;
  /** Moves time on and lets the real disk finish what that started. */
  pass(ms: number): Promise<void>;
}

/** Runs a syncer over a real store in `dir` while `work` does its own. */
export async function whileSyncing(
  dir: string,
  work: (running: Running) => Promise<void>,
  options: Partial<ReportSyncerOptions> = {},
  disk?: Disk,
): Promise<void> {
  const { store } = await openStore(dir, disk);
  const clock = new FakeClock();
  const log = new MemoryLog();
  const uplink = new FakeControl();
  let writes = 0;
  const real: SyncRecord = store.syncLedger;
  const ledger: SyncRecord = {
    pending: (entries) => real.pending(entries),
    synced: (entry) => real.synced(entry),
    mayHave: (key) => real.mayHave(key),
    async markSending(keys) {
      writes++;
      await real.markSending(keys).finally(() => writes--);
    },
    markRefused: (keys) => real.markRefused(keys),
    async markSynced(changes) {
      writes++;
      await real.markSynced(changes).finally(() => writes--);
    },
  };
  const syncer = new ReportSyncer({
    reports: store.reports,
    ledger,
    uplink,
    io: { clock, random: new FakeRandom(), log },
    ...options,
  });
  const stop = new AbortController();
  const done = syncer.run(stop.signal);
  try {
    await work({
      store,
      uplink,
      clock,
      log,
      syncer,
      put: (key, payload = "1") =>
        store.reports.put(key, { contentType: "text/plain", payload }),
      async pass(ms) {
        await clock.advance(ms);
        do {
          await until("the disk is quiet", () => writes === 0);
          await settle();
        } while (writes > 0);
      },
    });
  } finally {
    stop.abort();
    await done;
    await store.close();
  }
  assert.deepEqual(clock.sleeping, []);
}
