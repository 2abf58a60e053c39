import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { isoTime } from "../platform/clock.ts";
import type { StateView } from "../store/state_view.ts";
import { spreadMs } from "../uplink/backoff.ts";
import { describeFailure } from "../uplink/describe_failure.ts";
import type { Correction, DriftReport } from "../wire/bodies.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import type { DesiredState, ExecutionRequest } from "../wire/state.ts";
import { diffState } from "./diff.ts";
import { DriftReports } from "./drift_reports.ts";
import { withLocalVersions } from "./local_versions.ts";
import type { StatePort } from "./node_state_handler.ts";
import {
  changeTo,
  isOvertaken,
  keepMoved,
  refuseUnfit,
} from "./pulled_state.ts";
import { SharedWork } from "./shared_work.ts";

/** A desired state, and what proves it. */
export interface FetchedState extends DesiredState {
  /** Which key signed it; absent when nobody did. */
  readonly signedBy?: "current" | "previous";
  /**
   * Makes the proof durable, before anything of the state is applied.
   *
   * @throws {StoreWriteError}
   */
  readonly activate?: () => Promise<void>;
}

/** Where the desired state comes from and drift is reported to. */
export interface ReconcileUplink {
  fetchState(signal: AbortSignal): Promise<FetchedState>;
  reportDrift(report: DriftReport, signal: AbortSignal): Promise<void>;
}

/** Who takes signing keys that a pull announces. */
export interface ReconcileKeys {
  readonly present: SigningKeys;
  /** @returns whether the keys in use are other ones now. */
  take(
    keys: SigningKeys,
    signedBy: "current" | "previous" | undefined,
  ): Promise<boolean>;
}

/** Options for {@linkcode Reconciler}. */
export interface ReconcilerOptions {
  readonly uplink: ReconcileUplink;
  readonly state: StatePort;
  readonly keys: ReconcileKeys;
  /** The id of this node, as the control plane gave it. */
  readonly nodeId: string;
  /** Time between two pulls, before jitter of a tenth. @default {60000} */
  readonly intervalMs?: number;
  /** Hears how each pull went. */
  readonly onPull?: (failure: unknown) => void;
  /** Takes what a pull asks the node to run; dialect 2 only. */
  readonly onExecutions?: (requests: readonly ExecutionRequest[]) => void;
  readonly io: Platform;
}

/** How the pulls go. */
export interface ReconcileStatus {
  readonly lastSuccessMs?: number;
  readonly lastError?: string;
  /** Monotonic: when the next one is due; absent while none is waited for. */
  readonly nextMs?: number;
}

/** Triggers come in bursts; the control plane need not feel each of them. */
const MIN_GAP_MS = 1_000;

/** A pull that an event has overtaken is repeated, but not for ever. */
const MAX_RACES = 3;

/** What an applied pull found, and what took its place. */
interface Applied {
  readonly from: StateView;
  readonly to: DesiredState;
}

/**
 * Pulls the desired state, compares it with what is on disk, applies it and
 * reports what differed: at the start, at intervals, and when triggered.
 *
 * @see docs/wire.md, section e.4; design, section 5
 */
export class Reconciler implements Part {
  readonly name = "reconciler";
  readonly #options: ReconcilerOptions;
  readonly #intervalMs: number;
  #pulling: Promise<void> | undefined;
  /** The pull that waits for the end of the one that is under way. */
  #next: SharedWork | undefined;
  /** Aborts when the part ends. */
  #life: AbortSignal | undefined;
  readonly #triggers = new Set<string>();
  #isOwed = false;
  readonly #drift: DriftReports;
  #wake: (() => void) | undefined;
  #lastStartMs = -Infinity;
  #succeededMs: number | undefined;
  #status: ReconcileStatus = {};

  constructor(options: ReconcilerOptions) {
    const { intervalMs = 60_000 } = options;
    if (!(intervalMs >= 1_000)) {
      throw new RangeError(
        `Cannot reconcile as "intervalMs" must be >= 1000: current value is ${intervalMs}`,
      );
    }
    const { uplink, io } = options;
    this.#options = options;
    this.#intervalMs = intervalMs;
    this.#drift = new DriftReports({
      send: (report, signal) => uplink.reportDrift(report, signal),
      log: io.log,
    });
  }

  get status(): ReconcileStatus {
    return this.#status;
  }

  /** Monotonic time since the last pull that succeeded; undefined before one. */
  get sinceSuccessMs(): number | undefined {
    if (this.#succeededMs === undefined) return undefined;
    return this.#options.io.clock.elapsed() - this.#succeededMs;
  }

  /** Whether a pull that was asked for has yet to succeed. */
  get isOwed(): boolean {
    return this.#isOwed;
  }

  /** Asks for a pull soon; any number of triggers before it become one. */
  trigger(reason: string): void {
    this.#triggers.add(reason);
    this.#isOwed = true;
    this.#wake?.();
  }

  /**
   * Resolves after a pull that was not begun before the call: one that is under
   * way may have asked before what the caller knows of. Whoever asks meanwhile
   * shares the next, which goes on as long as one of them waits for it.
   *
   * @throws {ControlError | RefusedStateError | StoreWriteError}
   */
  async pullNow(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#next && !this.#next.isGivenUp) {
      return await this.#next.wait(signal);
    }
    const pulling = this.#pulling;
    const work = new SharedWork((wanted) => {
      if (!pulling) return this.#start(wanted);
      const after = () => {
        if (this.#next === work) this.#next = undefined;
        wanted.throwIfAborted();
        return this.#start(wanted);
      };
      return pulling.then(after, after);
    });
    if (pulling) this.#next = work;
    await work.wait(signal);
  }

  #start(wanted: AbortSignal): Promise<void> {
    const signal = this.#life ? AbortSignal.any([wanted, this.#life]) : wanted;
    return this.#pulling = this.#pull(signal).finally(() => {
      this.#pulling = undefined;
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#life = signal;
    try {
      await this.#runUntil(signal);
    } finally {
      // Whoever else wanted it: nothing is applied once the parts have ended.
      await this.#pulling?.catch(() => {});
      await this.#drift.idle();
    }
  }

  async #runUntil(signal: AbortSignal): Promise<void> {
    this.trigger("start");
    while (!signal.aborted) {
      try {
        await this.#wait(signal);
        await this.pullNow(signal);
      } catch (error) {
        if (signal.aborted) return;
        // Counted, logged and shown already; the next pull comes in time.
        this.#options.io.log.debug("Pull ended", {
          error: describeError(error),
        });
      }
    }
  }

  /** Until the interval is over, or a trigger came and the last pull is a while ago. */
  async #wait(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options.io;
    if (this.#triggers.size === 0) {
      const ms = spreadMs(this.#intervalMs, () => random.unit());
      this.#status = { ...this.#status, nextMs: clock.elapsed() + ms };
      await this.#triggerOr(ms, signal);
    }
    const gap = this.#lastStartMs + MIN_GAP_MS - clock.elapsed();
    if (gap > 0) await clock.sleep(gap, signal);
  }

  async #triggerOr(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const either = AbortSignal.any([signal, woken.signal]);
    this.#wake = () => woken.abort();
    try {
      await this.#options.io.clock.sleep(ms, either);
    } catch (error) {
      if (signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
      const { nextMs: _over, ...rest } = this.#status;
      this.#status = rest;
    }
  }

  async #pull(signal: AbortSignal): Promise<void> {
    const { io, onPull } = this.#options;
    const reasons = [...this.#triggers];
    this.#triggers.clear();
    this.#lastStartMs = io.clock.elapsed();
    try {
      const corrections = await this.#converge(signal);
      const { lastError: _over, ...rest } = this.#status;
      this.#status = { ...rest, lastSuccessMs: io.clock.now() };
      this.#succeededMs = io.clock.elapsed();
      // One that was asked for meanwhile may be for what this one has not seen.
      if (this.#triggers.size === 0) this.#isOwed = false;
      onPull?.(undefined);
      if (corrections.length === 0) return;
      io.log.info("Drift corrected", {
        corrections: corrections.length,
        reasons,
      });
      this.#report(corrections, signal);
    } catch (error) {
      if (signal.aborted) {
        // Nobody waits for it any more, but what it was for is not done.
        for (const reason of reasons) this.trigger(reason);
        throw error;
      }
      this.#status = { ...this.#status, lastError: describeFailure(error) };
      io.log.warn("State pull failed", {
        error: describeError(error),
        reasons,
      });
      onPull?.(error);
      throw error;
    }
  }

  /** Fetches and applies; again when an event was faster than the answer. */
  async #converge(signal: AbortSignal): Promise<readonly Correction[]> {
    const { uplink, state, keys, nodeId } = this.#options;
    for (let race = 1;; race++) {
      const before = state.view;
      const desired = await uplink.fetchState(signal);
      refuseUnfit(before, desired, nodeId);
      await desired.activate?.();
      const applied = await this.#apply(before, desired, race < MAX_RACES);
      if (!applied) continue;
      this.#options.onExecutions?.(desired.executions ?? []);
      const present = keys.present;
      const taken = desired.signingKeys !== undefined &&
        await keys.take(desired.signingKeys, desired.signedBy);
      // Keys that are not taken are no drift: nothing was corrected.
      const signingKeys = taken ? keys.present : present;
      return diffState(
        { ...applied.from, signingKeys: present },
        { ...applied.to, signingKeys },
      );
    }
  }

  /** @returns undefined when the state has to be fetched again. */
  async #apply(
    before: StateView,
    fetched: DesiredState,
    mayRepeat: boolean,
  ): Promise<Applied | undefined> {
    const { state, io } = this.#options;
    let applied: Applied | undefined;
    await state.update((from) => {
      const nowMs = io.clock.now();
      const desired = withLocalVersions(fetched, from, isoTime(nowMs));
      if (!isOvertaken(before, from, desired)) {
        applied = { from, to: desired };
        return changeTo(desired, nowMs);
      }
      if (mayRepeat) return undefined;
      // Events come faster than answers. What they brought stays, and the rest
      // of the answer counts all the same.
      const to = keepMoved(before, from, desired);
      applied = { from, to };
      this.trigger("overtaken by events");
      return { ...changeTo(to, nowMs), complete: from.complete };
    });
    return applied;
  }

  #report(corrections: readonly Correction[], signal: AbortSignal) {
    const timestamp = isoTime(this.#options.io.clock.now());
    // That nobody waits for the pull any more does not undo what it corrected.
    this.#drift.add(
      { timestamp, corrections: [...corrections] },
      this.#life ?? signal,
    );
  }
}
