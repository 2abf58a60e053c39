import { type Clock, isoTime, wallTimeOf } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import {
  DEGRADED_REASONS,
  type DegradedReason,
  type StatusReason,
} from "../wire/status.ts";

/** What is known about a reason beside its name. */
export interface DegradedDetails {
  /** What happened, in a few words without secrets. */
  readonly detail: string;
  /** Monotonic: when it is tried again. */
  readonly nextTryMs?: number;
}

/** What goes on working under each reason. */
const STILL_WORKS = {
  not_enrolled: "reports can be written; they go up once the node has joined",
  control_plane_unreachable:
    "reads are served from the last verified state, reports are kept",
  unauthorized:
    "reads are served from the last verified state, reports are kept",
  snapshot_expired: "as trust.on_expiry says",
  store_read_only: "reads",
  disk_full: "reads",
  clock_skew: "reads; events outside the time window are refused",
  unsigned_state: "everything; the state of a pull is not signed",
  key_change_unconfirmed: "everything, with the signing keys trusted until now",
  equivocation: "reads; secrets are refused",
  corruption_recovered: "everything; what was damaged is fetched again",
  credentials_invalid: "everything, with the credentials in use until now",
  insecure_tls: "everything, without protection against a man in the middle",
} as const satisfies Record<DegradedReason, string>;

/**
 * Reasons that show anew at once, or are none of a new run's business: what
 * counts of what was stored is only when they began, and only for a while.
 */
const SHOWN_ANEW: readonly DegradedReason[] = [
  "not_enrolled",
  "snapshot_expired",
  "store_read_only",
  "disk_full",
  "equivocation",
  "credentials_invalid",
  "insecure_tls",
];

/** What shows later than this after a start has begun anew. */
const SAME_REASON_MS = 60_000;

/** A reason as an earlier run of the agent has stored it. */
export interface FormerReason {
  readonly reason: string;
  /** RFC 3339 text. */
  readonly since: string;
  readonly detail: string;
}

interface Raised extends DegradedDetails {
  readonly sinceMs: number;
  /** The same moment, monotonic: the clock may be set before it is over. */
  readonly sinceElapsedMs: number;
}

/** Remembers what is wrong, since when, and what works all the same. */
export class Degraded {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #raised = new Map<DegradedReason, Raised>();
  readonly #listeners = new Set<() => void>();
  /** When reasons of an earlier run began that may show again. */
  readonly #began = new Map<DegradedReason, number>();
  #restoredMs = -Infinity;
  #wellSinceMs: number | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes a reason. One that is noted already keeps its beginning. */
  raise(reason: DegradedReason, details: DegradedDetails): void {
    const known = this.#raised.get(reason);
    const since = known ?? this.#since(this.#beganMs(reason));
    const { sinceMs, sinceElapsedMs } = since;
    this.#raised.set(reason, { ...details, sinceMs, sinceElapsedMs });
    if (known) return;
    this.#log.warn("Degraded", { reason, detail: details.detail });
    this.#tell();
  }

  /** A reason is over. Does nothing if it was not noted. */
  clear(reason: DegradedReason): void {
    const known = this.#raised.get(reason);
    if (!known) return;
    this.#raised.delete(reason);
    if (this.#raised.size === 0) this.#wellSinceMs = this.#clock.now();
    const lasted_ms = this.#clock.elapsed() - known.sinceElapsedMs;
    this.#log.info("No longer degraded", { reason, lasted_ms });
    this.#tell();
  }

  /**
   * Takes up what was wrong when an earlier run ended: whatever it was, it
   * began then, and it is over when it is seen to be over.
   */
  restore(former: readonly FormerReason[]): void {
    this.#restoredMs = this.#clock.elapsed();
    for (const reason of DEGRADED_REASONS) {
      const stored = former.find((one) => one.reason === reason);
      const sinceMs = Date.parse(stored?.since ?? "");
      if (!stored || Number.isNaN(sinceMs)) continue;
      const known = this.#raised.get(reason);
      if (known) {
        this.#raised.set(reason, { ...known, ...this.#since(sinceMs) });
      } else {
        this.#began.set(reason, sinceMs);
        const { detail } = stored;
        if (!SHOWN_ANEW.includes(reason)) this.raise(reason, { detail });
      }
    }
  }

  /**
   * Calls `listener` whenever a reason comes or goes; not for news of one that
   * stays.
   *
   * @returns what ends the calls.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** When the last reason was over; undefined when none was in this run. */
  get wellSinceMs(): number | undefined {
    return this.#wellSinceMs;
  }

  /** What is wrong now, in the order in which reasons are documented. */
  list(): StatusReason[] {
    return DEGRADED_REASONS.flatMap((reason) => {
      const raised = this.#raised.get(reason);
      if (!raised) return [];
      const { sinceMs, detail, nextTryMs } = raised;
      return [{
        reason,
        since: isoTime(sinceMs),
        detail,
        works: STILL_WORKS[reason],
        next_try_at: nextTryMs === undefined
          ? null
          : isoTime(wallTimeOf(nextTryMs, this.#clock)),
      }];
    });
  }

  #beganMs(reason: DegradedReason): number {
    const began = this.#began.get(reason);
    this.#began.delete(reason);
    const isSame = this.#clock.elapsed() - this.#restoredMs <= SAME_REASON_MS;
    return isSame && began !== undefined ? began : this.#clock.now();
  }

  /** @param sinceMs When it began; a time that is still to come is now. */
  #since(sinceMs: number): Pick<Raised, "sinceMs" | "sinceElapsedMs"> {
    const agoMs = Math.max(0, this.#clock.now() - sinceMs);
    return { sinceMs, sinceElapsedMs: this.#clock.elapsed() - agoMs };
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
