import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ContactTimes, HealthRecord } from "../store/health_store.ts";
import type { HealthSource } from "./health_report.ts";

/** Where the agent's health is kept. */
export interface HealthRecords {
  readonly record: HealthRecord;
  save(record: HealthRecord): Promise<void>;
}

/** Options for {@linkcode HealthKeeper}. */
export interface HealthKeeperOptions {
  readonly health: HealthSource;
  /** As they are now. */
  readonly contact: () => ContactTimes;
  readonly nodeId: string;
  /** What else is kept beside it. @default nothing */
  readonly more?: () => Omit<HealthRecord, "reasons" | "nodeId" | "contact">;
  readonly store: HealthRecords;
  /** Hears of writes that fail; nothing else may write for a long time. */
  readonly onFailure: (failure: unknown) => void;
  /** Quiet time after a reason came or went. @default {1000} */
  readonly debounceMs?: number;
  /** Between two writes for the times alone. @default {60000} */
  readonly intervalMs?: number;
  readonly io: Platform;
}

/**
 * Keeps on disk what is wrong with the node and when it last heard of its
 * control plane, so that a restart forgets neither.
 */
export class HealthKeeper implements Part {
  readonly name = "health_keeper";
  readonly #options: HealthKeeperOptions;
  readonly #debounceMs: number;
  readonly #intervalMs: number;
  #wake: AbortController | undefined;

  constructor(options: HealthKeeperOptions) {
    const { debounceMs = 1_000, intervalMs = 60_000 } = options;
    this.#options = options;
    this.#debounceMs = debounceMs;
    this.#intervalMs = intervalMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { health, io } = this.#options;
    const stopListening = health.onChange(() => this.#wake?.abort());
    try {
      while (!signal.aborted) {
        await this.#untilDue(signal);
        if (signal.aborted) break;
        await io.clock.sleep(this.#debounceMs, signal);
        const written = await this.#write();
        if (!written) await io.clock.sleep(this.#intervalMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
      // The next start goes on from here.
      await this.#write();
    }
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    this.#wake = new AbortController();
    if (this.#reasonsDiffer()) return;
    const either = AbortSignal.any([signal, this.#wake.signal]);
    try {
      await this.#options.io.clock.sleep(this.#intervalMs, either);
    } catch {
      // Woken, or told to stop.
    }
  }

  /** @returns false when it failed. */
  async #write(): Promise<boolean> {
    const { health, contact, nodeId, more, store, onFailure, io } =
      this.#options;
    const reasons = health.list().map(({ reason, since, detail }) => ({
      reason,
      since,
      detail,
    }));
    const record = { reasons, ...more?.(), nodeId, contact: contact() };
    if (JSON.stringify(record) === JSON.stringify(store.record)) return true;
    try {
      await store.save(record);
      return true;
    } catch (error) {
      io.log.debug("Health not stored", { error: describeError(error) });
      onFailure(error);
      return false;
    }
  }

  /** News of a reason that stays is not worth a write of its own. */
  #reasonsDiffer(): boolean {
    const { health, store } = this.#options;
    return namesOf(health.list()) !== namesOf(store.record.reasons);
  }
}

function namesOf(
  reasons: readonly { readonly reason: string; readonly since: string }[],
): string {
  return reasons.map(({ reason, since }) => `${reason} ${since}`).join("\n");
}
