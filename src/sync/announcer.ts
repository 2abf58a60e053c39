import { aborted } from "../platform/aborted.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { spreadMs } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import { FailureSeries } from "../uplink/failure_series.ts";

/** Options for {@linkcode Announcer}. */
export interface AnnouncerOptions<Content> {
  /** What is announced, for the log: `capabilities` or `endpoint`. */
  readonly name: string;
  /** What holds now; undefined when there is nothing to say. */
  readonly content: () => Promise<Content | undefined>;
  /**
   * Time between two looks at it, before jitter of a tenth, ms. @default it
   * does not change while this part runs
   */
  readonly lookEveryMs?: number;
  /** Rejects with a `ControlError`, or with the signal's reason. */
  readonly send: (content: Content, signal: AbortSignal) => Promise<void>;
  /** First wait after a failure. @default {5000} */
  readonly retryMs?: number;
  /** Longest such wait, before jitter. @default {300000} */
  readonly maxRetryMs?: number;
  readonly io: Platform;
}

/**
 * Tells the control plane something about the node once, and again when it has
 * changed. What is refused waits for a change; every other failure is tried
 * again.
 */
export class Announcer<Content> implements Part {
  readonly name: string;
  readonly #options: AnnouncerOptions<Content>;
  readonly #failures: FailureSeries;
  /** What was taken or refused, as JSON text. */
  #settled: string | undefined;

  constructor(options: AnnouncerOptions<Content>) {
    const { retryMs = 5_000, maxRetryMs = 300_000, io } = options;
    this.name = options.name;
    this.#options = options;
    this.#failures = new FailureSeries({
      baseMs: retryMs,
      maxMs: maxRetryMs,
      ...io,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { io, lookEveryMs } = this.#options;
    while (!signal.aborted) {
      const retryMs = await this.#announce(signal);
      const waitMs = retryMs ??
        (lookEveryMs && spreadMs(lookEveryMs, () => io.random.unit()));
      if (waitMs === undefined) return await aborted(signal);
      await io.clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  /** @returns how long to wait before trying again, ms. */
  async #announce(signal: AbortSignal): Promise<number | undefined> {
    const { name, content, send, io } = this.#options;
    try {
      const latest = await content();
      const text = JSON.stringify(latest);
      if (latest === undefined || text === this.#settled) return undefined;
      try {
        await send(latest, signal);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        io.log.warn("Announcement refused", {
          announcement: name,
          error: describeError(error),
        });
      }
      this.#settled = text;
      this.#failures.end();
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      const wait_ms = Math.round(this.#failures.add(error));
      const first = this.#failures.count <= 1;
      io.log[first ? "warn" : "debug"]("Announcement failed", {
        announcement: name,
        wait_ms,
        error: describeError(error),
      });
      return wait_ms;
    }
  }
}

/**
 * Whether this content, or this kind of call, is not wanted: nothing but a
 * change helps. The node's own standing (401), its clock and the moment do pass,
 * and what is not provisioned (501) may be some day.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ControlError)) return false;
  const { kind, status = 0, code } = error;
  if (kind === "unsupported") return true;
  const passes = kind === "unauthorized" || kind === "rate_limited" ||
    status === 408 || code === "endpoint_clock_skew";
  return status >= 400 && status <= 499 && !passes;
}
