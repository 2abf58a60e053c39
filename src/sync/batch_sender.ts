import { aborted } from "../platform/aborted.ts";
import { describeError, type Logger } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { actionAfter } from "../uplink/after_failure.ts";
import { spreadMs } from "../uplink/backoff.ts";
import { FailureSeries } from "../uplink/failure_series.ts";
import type { Dialect } from "../wire/dialect.ts";
import { BatchBuffer } from "./batch_buffer.ts";

/** How often a kind of telemetry is collected and sent. */
export interface BatchSettings {
  /** Time between two collections, ms. */
  readonly collectMs: number;
  /** Time between two sendings, before jitter of a tenth, ms. */
  readonly reportMs: number;
  /** Most items in one call; twice as many are kept. */
  readonly batchSize: number;
}

/** Options for {@linkcode BatchSender}. */
export interface BatchSenderOptions<Item> extends BatchSettings {
  /** What is sent, for the log: `metrics`, `logs` or `audit`. */
  readonly name: string;
  readonly dialect: Dialect;
  /** What has come up since it was last asked. Failing means nothing. */
  readonly collect: () => readonly Item[] | Promise<readonly Item[]>;
  /** Rejects with a `ControlError`, or with the signal's reason. */
  readonly send: (items: readonly Item[], signal: AbortSignal) => Promise<void>;
  /** Time for the last sending, once the agent stops. @default {2000} */
  readonly flushMs?: number;
  /**
   * Aborts when the control plane does not know this node any more: what is
   * left then goes nowhere. @default never
   */
  readonly left?: AbortSignal;
  /** Where items wait that could not be sent. @default a new one */
  readonly buffer?: BatchBuffer<Item>;
  /** Items that were lost before they were collected. @default none */
  readonly lostBefore?: () => number;
  /** Items get through again, and so many others have not. */
  readonly onGap?: (dropped: number) => void;
  /** Its log must not lead back here: a failed call would ask for the next. */
  readonly io: Platform;
}

/** What became of the items so far. */
export interface BatchStatus {
  readonly sent: number;
  /** Refused, or pushed out by newer ones. */
  readonly dropped: number;
  /** Waiting to be sent. */
  readonly buffered: number;
  readonly lastError?: string;
}

/** How sending a batch went; empty when all of it was taken. */
interface Outcome<Item> {
  readonly failure?: unknown;
  /** What is to come again. */
  readonly kept?: readonly Item[];
}

/**
 * Items in a row that are too large by themselves, before the rest has to wait:
 * who refuses all of them is asked a few times, not once for each.
 */
const MOST_TOO_LARGE = 3;

/** Longest wait after failures, before jitter; `Retry-After` may ask for more. */
const LONGEST_WAIT_MS = 300_000;

/**
 * Collects items, and sends them in batches.
 *
 * What a control plane could not take comes again, in order, until newer items
 * need its room; what it refuses is dropped. An item is sent twice only when
 * the answer to the first time got lost.
 *
 * @see docs/wire.md, sections a.6 "Batching" and h.3 "ingest"
 */
export class BatchSender<Item> implements Part {
  readonly name: string;
  readonly #options: BatchSenderOptions<Item>;
  readonly #flushMs: number;
  readonly #log: Logger;
  readonly #buffer: BatchBuffer<Item>;
  readonly #failures: FailureSeries;
  #tooLarge = 0;
  #isFull = false;
  #lastError: string | undefined;

  /** @throws {RangeError} for a setting out of its range. */
  constructor(options: BatchSenderOptions<Item>) {
    const { collectMs, reportMs, batchSize, flushMs = 2_000, io } = options;
    const settings = { collectMs, reportMs, batchSize, flushMs };
    for (const [name, value] of Object.entries(settings)) {
      if (value >= 1) continue;
      throw new RangeError(
        `Cannot send ${options.name} as "${name}" must be >= 1: current value is ${value}`,
      );
    }
    this.name = options.name;
    this.#options = options;
    this.#flushMs = flushMs;
    this.#log = io.log.with({ telemetry: options.name });
    this.#buffer = options.buffer ?? new BatchBuffer(2 * batchSize);
    this.#buffer.queue.resize(2 * batchSize);
    this.#failures = new FailureSeries({
      baseMs: reportMs,
      maxMs: Math.max(reportMs, LONGEST_WAIT_MS),
      ...io,
    });
  }

  get status(): BatchStatus {
    return {
      sent: this.#buffer.sent,
      dropped: this.#buffer.dropped,
      buffered: this.#buffer.queue.size,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  /**
   * A call that is under way when `signal` aborts is not cut off, as it may
   * have been taken already: it and the last sending share the flush time.
   */
  async run(signal: AbortSignal): Promise<void> {
    const cut = new AbortController();
    const over = new AbortController();
    const deadline = aborted(signal)
      .then(() => this.#options.io.clock.sleep(this.#flushMs, over.signal))
      .then(() => cut.abort(new Error("The agent is stopping")))
      .catch(() => {});
    await Promise.all([
      this.#collectUntil(signal),
      this.#sendUntil(signal, cut.signal),
    ]);
    await this.#collect();
    const isOver = cut.signal.aborted || this.#options.left?.aborted;
    if (!isOver) await this.#sendAll(cut.signal);
    over.abort();
    await deadline;
  }

  async #collectUntil(stop: AbortSignal): Promise<void> {
    while (await this.#slept(this.#options.collectMs, stop)) {
      await this.#collect();
    }
  }

  async #collect(): Promise<void> {
    try {
      this.#add(await this.#options.collect());
    } catch (error) {
      this.#log.warn("Telemetry not collected", {
        error: describeError(error),
      });
    }
  }

  #add(items: readonly Item[]) {
    const { queue } = this.#buffer;
    const { dropped } = queue;
    queue.add(items);
    if (queue.dropped === dropped || this.#isFull) return;
    this.#isFull = true;
    this.#log.warn("Telemetry has no more room, the oldest is dropped", {
      kept: queue.size,
    });
  }

  async #sendUntil(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    let waitMs = this.#intervalMs();
    while (await this.#slept(waitMs, stop)) {
      waitMs = await this.#sendAll(cut);
    }
  }

  /** Sends what there is. @returns how long to wait before the next time, ms. */
  async #sendAll(cut: AbortSignal): Promise<number> {
    const { batchSize } = this.#options;
    const { queue } = this.#buffer;
    let waitMs = this.#intervalMs();
    this.#tooLarge = 0;
    // What comes in meanwhile has its turn the next time.
    let left = queue.size;
    while (left > 0) {
      const batch = queue.take(Math.min(batchSize, left));
      left -= batch.length;
      const { failure, kept } = await this.#send(batch, cut);
      if (failure === undefined) continue;
      waitMs = this.#failures.add(failure);
      if (!kept) continue;
      queue.putBack(kept);
      return waitMs;
    }
    return waitMs;
  }

  /** @returns the failure, and what of `batch` is to come again. */
  async #send(
    batch: readonly Item[],
    cut: AbortSignal,
  ): Promise<Outcome<Item>> {
    const { send, dialect } = this.#options;
    try {
      await send(batch, cut);
    } catch (failure) {
      const action = actionAfter("metrics", failure, dialect);
      const split = action === "split_batch";
      if (split && batch.length > 1) return await this.#sendHalves(batch, cut);
      const dropped = split || action === "drop" ? batch.length : 0;
      if (split) this.#tooLarge++;
      if (!cut.aborted) this.#tell(failure, dropped);
      this.#buffer.refused += dropped;
      return dropped > 0 ? { failure } : { failure, kept: batch };
    }
    this.#taken(batch.length);
    return {};
  }

  #taken(count: number) {
    const { lostBefore = () => 0, onGap } = this.#options;
    this.#buffer.sent += count;
    this.#lastError = undefined;
    this.#isFull = false;
    this.#tooLarge = 0;
    this.#failures.end();
    const dropped = this.#buffer.dropped + lostBefore();
    const news = dropped - this.#buffer.told;
    this.#buffer.told = dropped;
    if (news > 0) onGap?.(news);
  }

  /** A batch that is too long goes in two, until what is too long stands alone. */
  async #sendHalves(
    batch: readonly Item[],
    cut: AbortSignal,
  ): Promise<Outcome<Item>> {
    const middle = Math.ceil(batch.length / 2);
    const rest = batch.slice(middle);
    const first = await this.#send(batch.slice(0, middle), cut);
    const kept = first.kept ?? [];
    if (first.kept || this.#tooLarge >= MOST_TOO_LARGE) {
      return { failure: first.failure, kept: [...kept, ...rest] };
    }
    const second = await this.#send(rest, cut);
    return second.failure === undefined ? first : second;
  }

  /** Once for each series: an outage must not fill the log. */
  #tell(failure: unknown, dropped: number) {
    const error = describeError(failure);
    const known = this.#lastError !== undefined;
    this.#lastError = error;
    if (!known) this.#log.warn("Telemetry not sent", { error, dropped });
  }

  #intervalMs(): number {
    const { reportMs, io } = this.#options;
    return spreadMs(reportMs, () => io.random.unit());
  }

  /** @returns false when `stop` came first. */
  async #slept(ms: number, stop: AbortSignal): Promise<boolean> {
    try {
      await this.#options.io.clock.sleep(ms, stop);
      return true;
    } catch {
      return false;
    }
  }
}
