import { describeError } from "../platform/log.ts";
import { ALL_EVENT_TYPES } from "../wire/event_types.ts";
import type { Carrier } from "../wire/transitions.ts";
import { CommitQueue } from "./commit_queue.ts";
import { type OpenLog, readIfThere } from "./disk.ts";
import {
  encodeRecords,
  type LogRecord,
  type NewLog,
  newLog,
  readLog,
  type Receipt,
} from "./receipt_log.ts";
import { replaceFile, replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the log, below the membership's folder. */
export const SEEN_FILE = "trust/seen.log";

/** Event ids that are kept at least: what a control plane may send again. */
const MIN_KEPT = 4096;

/**
 * Receipts that are kept at most. More than a replay window holds, so that the
 * window itself forgets the oldest nonces, and then refuses events that old.
 */
const MAX_KEPT = 250_000;

/** A nonce is of use until its event is too old to be accepted in any case. */
const NONCE_LIFE_MS = 600_000;

/** What can bring an event. */
type EventCarrier = Exclude<Carrier, "pull">;

interface Job {
  readonly records: readonly LogRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Which events have been taken: nonces, ids, and where the stream goes on. A
 * receipt is recorded once its event's effect is durable, and never before.
 *
 * @see design, section 5 "From wire to workload"
 */
export class EventLedger {
  readonly #context: StoreContext;
  readonly #queue = new CommitQueue<Job>((jobs) => this.#run(jobs));
  /** Receipts in the log, in order. */
  #receipts: Receipt[] = [];
  /** What brought each event that was taken. */
  #ids = new Map<string, EventCarrier>();
  readonly #issued = new Map<string, number>();
  #cursor: string | undefined;
  /** The log that lines are added to; undefined when it must be made anew. */
  #log: OpenLog | undefined;
  #size = 0;
  #end = 0;

  private constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Opens the ledger. Damaged lines are left out, and that is told. */
  static open(context: StoreContext): EventLedger {
    const ledger = new EventLedger(context);
    ledger.#load();
    return ledger;
  }

  /** Where the stream goes on: the id of the last event that was taken. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Nonces that an event could still come with once more. */
  *nonces(): Generator<
    { readonly nonce: string; readonly issuedAtMs: number }
  > {
    const oldest = this.#context.clock.now() - NONCE_LIFE_MS;
    for (const { nonce, issuedAtMs } of this.#receipts) {
      if (nonce !== undefined && issuedAtMs >= oldest) {
        yield { nonce, issuedAtMs };
      }
    }
  }

  /** Whether the effect of this event is already durable. */
  hasApplied(eventId: string): boolean {
    return this.#ids.has(eventId);
  }

  /** What brought an event that was taken; undefined when none was. */
  carrierOf(eventId: string): EventCarrier | undefined {
    return this.#ids.get(eventId);
  }

  /** When the latest event of a known type was issued, ms since the epoch. */
  lastIssuedMs(type: string): number | undefined {
    return this.#issued.get(type);
  }

  /**
   * Records receipts, in order and all together.
   *
   * @throws {StoreWriteError} when they could not be made durable: then none
   * of them counts.
   */
  record(receipts: readonly Receipt[]): Promise<void> {
    return this.#add(receipts.map((receipt) => ({ receipt })));
  }

  /**
   * Forgets where the stream goes on, so that it starts with what comes next.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   */
  resetCursor(): Promise<void> {
    return this.#add([{ summary: { cursor: null, issued: [] } }]);
  }

  /** Takes no more receipts, and resolves when those it has are stored. */
  async close(): Promise<void> {
    await this.#queue.close();
    this.#log?.close();
    this.#log = undefined;
  }

  #add(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#queue.add({ records, resolve, reject })
    );
  }

  async #run(jobs: readonly Job[]) {
    const records = jobs.flatMap((job) => job.records);
    try {
      if (records.length > 0) await this.#write(records);
    } catch (error) {
      // What the log holds now is unknown: the next write makes a new one.
      this.#log?.close();
      this.#log = undefined;
      const failure = new StoreWriteError("which events were taken", error);
      for (const job of jobs) job.reject(failure);
      return;
    }
    for (const record of records) this.#take(record);
    for (const job of jobs) job.resolve();
  }

  async #write(records: readonly LogRecord[]) {
    const lines = encodeRecords(records);
    if (this.#log && this.#end + lines.length <= this.#size) {
      await this.#log.write(this.#end, lines);
      this.#end += lines.length;
    } else {
      await this.#rewrite(records);
    }
  }

  /** Makes a log of what is still of use, and of what is new. */
  async #rewrite(records: readonly LogRecord[]) {
    const { disk, temp, folders } = this.#context;
    this.#receipts = this.#stillOfUse();
    this.#ids = new Map<string, EventCarrier>(
      this.#receipts.map(({ eventId, carrier }) => [eventId, carrier ?? "sse"]),
    );
    const log = newLog([...this.#everything(), ...records]);
    this.#log?.close();
    this.#log = undefined;
    await replaceFile(disk, temp, folders.target(SEEN_FILE), log.bytes);
    this.#open(log);
  }

  #everything(): LogRecord[] {
    const issued = [...this.#issued];
    return [
      ...this.#receipts.map((receipt) => ({ receipt })),
      { summary: { cursor: this.#cursor ?? null, issued } },
    ];
  }

  #open({ bytes, end }: NewLog) {
    const { disk, root } = this.#context;
    this.#log = disk.openLog(`${root}/${SEEN_FILE}`);
    this.#size = bytes.length;
    this.#end = end;
  }

  #stillOfUse(): Receipt[] {
    const oldest = this.#context.clock.now() - NONCE_LIFE_MS;
    const recent = this.#receipts.length - MIN_KEPT;
    return this.#receipts
      .filter((receipt, at) => at >= recent || receipt.issuedAtMs >= oldest)
      .slice(-MAX_KEPT);
  }

  #take(record: LogRecord) {
    if ("summary" in record) {
      this.#cursor = record.summary.cursor ?? undefined;
      for (const [type, ms] of record.summary.issued) this.#saw(type, ms);
      return;
    }
    const { receipt } = record;
    this.#receipts.push(receipt);
    this.#ids.set(receipt.eventId, receipt.carrier ?? "sse");
    this.#cursor = receipt.cursor ?? this.#cursor;
    this.#saw(receipt.type, receipt.issuedAtMs);
  }

  #saw(type: string, ms: number) {
    // Nobody asks about the others, and of those there is no end.
    if (!ALL_EVENT_TYPES.has(type)) return;
    this.#issued.set(type, Math.max(ms, this.#issued.get(type) ?? -Infinity));
  }

  #load() {
    const { disk, temp, folders, root, damaged, recovered } = this.#context;
    const path = `${root}/${SEEN_FILE}`;
    try {
      const bytes = readIfThere(disk, path);
      if (!bytes) return;
      const { records, end, fault } = readLog(bytes);
      for (const record of records) this.#take(record);
      if (fault !== undefined) {
        const copy = damaged.keepCopy(SEEN_FILE, bytes);
        const action = `${copy}; its sound lines are used`;
        recovered({ file: SEEN_FILE, what: fault, action });
        const log = newLog(this.#everything());
        replaceFileNow(disk, temp, folders.target(SEEN_FILE), log.bytes);
        this.#open(log);
        return;
      }
      this.#open({ bytes, end });
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      recovered({ file: SEEN_FILE, what, action: "a new one is begun" });
    }
  }
}
