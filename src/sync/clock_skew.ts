import type { Clock } from "../platform/clock.ts";
import { ControlError } from "../uplink/control_error.ts";
import { parseHttpDate } from "../uplink/http_date.ts";
import type { Degraded } from "./degraded.ts";

/** What {@linkcode ClockSkew} works with. */
export interface ClockSkewOptions {
  readonly clock: Pick<Clock, "now">;
  readonly degraded: Pick<Degraded, "raise" | "clear">;
}

/**
 * Farther apart, the control plane refuses this node's heartbeats in dialect 2.
 * Events are refused from five minutes on, so the reason comes before the harm.
 */
const MOST_MS = 60_000;

/** The time in a header has no fractions. */
const HEADER_STEP_MS = 1_000;

/**
 * Notices that this node and the control plane do not agree about the time.
 *
 * The `Date` of every answer tells, whatever else is in it. Nothing but the
 * shown reason depends on it: the clock is not ours to set, and a control plane
 * that lies about the time changes nothing else.
 */
export class ClockSkew {
  readonly #options: ClockSkewOptions;
  #byDate: string | undefined;
  #byRefusal: string | undefined;

  constructor(options: ClockSkewOptions) {
    this.#options = options;
  }

  /**
   * Takes the `Date` header of an answer.
   *
   * @param tookMs From the request to the answer: the header is as uncertain.
   */
  answered(date: string | null, tookMs: number): void {
    const nowMs = this.#options.clock.now();
    const theirMs = parseHttpDate(date?.trim() ?? "", nowMs);
    if (theirMs === undefined) return;
    const apartMs = theirMs - nowMs;
    const sureMs = Math.abs(apartMs) - tookMs - HEADER_STEP_MS;
    this.#byDate = sureMs > MOST_MS
      ? `the control plane's clock is ${secondsOf(apartMs)} s ` +
        `${apartMs > 0 ? "ahead of" : "behind"} this node's`
      : undefined;
    this.#show();
  }

  /** Hears how a call went that carried this node's time. */
  called(failure: unknown): void {
    const refused = failure instanceof ControlError &&
      failure.code === "clock_skew";
    if (failure !== undefined && !refused) return;
    this.#byRefusal = refused
      ? "the control plane refuses this node's time"
      : undefined;
    this.#show();
  }

  #show() {
    const { degraded } = this.#options;
    const detail = this.#byDate ?? this.#byRefusal;
    if (detail === undefined) degraded.clear("clock_skew");
    else degraded.raise("clock_skew", { detail });
  }
}

function secondsOf(ms: number): number {
  return Math.round(Math.abs(ms) / 1_000);
}
