import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReportContent } from "../store/report_job.ts";
import type { StatusReason } from "../wire/status.ts";

/** Key of the agent's own report. @see design, section 9 */
export const HEALTH_REPORT_KEY = "plexd.health";

/** What is wrong with the node, and when that changes. */
export interface HealthSource {
  list(): readonly StatusReason[];
  /** @returns what ends the calls. */
  onChange(listener: () => void): () => void;
}

/** A repair of the store. */
export interface ToldRecovery {
  /** RFC 3339 text. */
  readonly at: string;
  readonly file: string;
  readonly what: string;
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

/** As many as dialect 2 takes. @see docs/wire.md, section h.6 */
const LONGEST_PAYLOAD_BYTES = 4_096;
const LONGEST_DETAIL = 160;

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
    const payload = payloadOf(reasons, repaired);
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

function payloadOf(
  reasons: readonly StatusReason[],
  recoveries: readonly ToldRecovery[],
): string {
  const status = reasons.length === 0 ? "ok" : "degraded";
  const told = reasons.map(({ reason, since, detail }) => ({
    reason,
    since,
    detail: start(detail),
  }));
  const repaired = recoveriesOf(recoveries);
  const whole = JSON.stringify({ status, reasons: told, ...repaired });
  const bytes = new TextEncoder().encode(whole).length;
  if (bytes <= LONGEST_PAYLOAD_BYTES) return whole;
  const brief = told.map(({ reason, since }) => ({
    reason,
    since,
    detail: "",
  }));
  return JSON.stringify({ status, reasons: brief, ...repaired });
}

/** How many repairs are remembered, and the last one; nothing without any. */
function recoveriesOf(recoveries: readonly ToldRecovery[]) {
  const last = recoveries.at(-1);
  if (!last) return {};
  const { at, file, what } = last;
  return {
    recoveries: {
      count: recoveries.length,
      last: { at, file: start(file), what: start(what) },
    },
  };
}

function start(text: string): string {
  return text.slice(0, LONGEST_DETAIL).toWellFormed();
}
