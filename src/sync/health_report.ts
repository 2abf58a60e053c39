import { aborted } from "../platform/aborted.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportContent } from "../store/report_job.ts";
import type { StatusReason } from "../wire/status.ts";
import { agentHealth, type ToldRecovery } from "./agent_health.ts";

/** Key of the agent's own report. @see design, section 9 */
export const HEALTH_REPORT_KEY = "plexd.health";

/** What is wrong with the node, and when that changes. */
export interface HealthSource {
  list(): readonly StatusReason[];
  /** @returns what ends the calls. */
  onChange(listener: () => void): () => void;
}

/** Where reports are kept until they are synced. */
export interface HealthReportStore {
  get(key: string): { readonly payload: string } | undefined;
  put(key: string, content: ReportContent): Promise<unknown>;
}

/** Options for {@linkcode HealthReport}. */
export interface HealthReportOptions {
  readonly health: HealthSource;
  readonly reports: HealthReportStore;
  /** Repairs of the store that are remembered, oldest first. */
  readonly recoveries: () => readonly ToldRecovery[];
  /** Quiet time after a change before it is written. @default {5000} */
  readonly debounceMs?: number;
  /** Least time between two writes. @default {30000} */
  readonly betweenMs?: number;
  readonly io: Platform;
}

/**
 * Keeps the report that tells the control plane what is wrong with the node,
 * and what was repaired. There is none until something is.
 */
export class HealthReport implements Part {
  readonly name = "health_report";
  readonly #options: HealthReportOptions;
  readonly #debounceMs: number;
  readonly #betweenMs: number;
  /** Which reasons and repairs the report tells of, once that is known. */
  #told: string | undefined;
  #wake: (() => void) | undefined;

  constructor(options: HealthReportOptions) {
    const { debounceMs = 5_000, betweenMs = 30_000 } = options;
    this.#options = options;
    this.#debounceMs = debounceMs;
    this.#betweenMs = betweenMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { health, io } = this.#options;
    const wake = () => this.#wake?.();
    const stopListening = health.onChange(wake);
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const changed = this.#nextChange();
        if (this.#outdated() === undefined) {
          await changed;
          continue;
        }
        await io.clock.sleep(this.#debounceMs, signal);
        await this.#write();
        await io.clock.sleep(this.#betweenMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
    }
  }

  /**
   * What the report ought to say, if it tells of other reasons. News of a
   * reason that stays is not worth a write.
   */
  #outdated(): string | undefined {
    const { health, reports, recoveries } = this.#options;
    const reasons = health.list();
    const repaired = recoveries();
    const names = namesOf(reasons, repaired);
    if (names === this.#told) return undefined;
    const written = reports.get(HEALTH_REPORT_KEY)?.payload;
    const payload = JSON.stringify(agentHealth(reasons, repaired));
    const nothing = reasons.length === 0 && repaired.length === 0;
    if (!(nothing && written === undefined) && payload !== written) {
      return payload;
    }
    this.#told = names;
    return undefined;
  }

  async #write(): Promise<void> {
    const payload = this.#outdated();
    if (payload === undefined) return;
    const { health, recoveries } = this.#options;
    const told = namesOf(health.list(), recoveries());
    try {
      await this.#options.reports.put(HEALTH_REPORT_KEY, {
        contentType: "application/json",
        payload,
      });
      this.#told = told;
    } catch (error) {
      // A full disk is what it would tell of; it is tried again in time.
      this.#options.io.log.debug("Health report not written", {
        error: describeError(error),
      });
    }
  }

  /** Armed before looking for work, so that no change falls between. */
  #nextChange(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}

/**
 * Takes away the report that an earlier run has left, where heartbeats tell of
 * the agent's health now: it would say for ever what once was.
 */
export function withdrawHealthReport(
  { reports, io }: {
    readonly reports: Pick<HealthReportStore, "get"> & {
      delete(key: string): Promise<boolean>;
    };
    readonly io: Pick<Platform, "log">;
  },
): Part {
  return {
    name: "health_report",
    async run(signal) {
      const stopped = aborted(signal);
      try {
        if (reports.get(HEALTH_REPORT_KEY)) {
          await reports.delete(HEALTH_REPORT_KEY);
        }
      } catch (error) {
        io.log.debug("Health report not withdrawn", {
          error: describeError(error),
        });
      }
      // A part lives as long as the agent.
      await stopped;
    },
  };
}

/** Tells sets of reasons apart; one that came back is another one. */
function namesOf(
  reasons: readonly StatusReason[],
  recoveries: readonly ToldRecovery[],
): string {
  const { at = "", file = "" } = recoveries.at(-1) ?? {};
  return [
    ...reasons.map(({ reason, since }) => `${reason} ${since}`),
    `${recoveries.length} ${at} ${file}`,
  ].join("\n");
}
