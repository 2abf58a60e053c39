import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { isoTime } from "../platform/clock.ts";
import type { StateChange, StateView } from "../store/state_view.ts";
import type { Correction, DriftReport } from "../wire/bodies.ts";
import {
  comparePositions,
  type DesiredState,
  type SigningKeys,
} from "../wire/state.ts";
import { diffState } from "./diff.ts";
import type { StatePort } from "./node_state_handler.ts";

/** Where the desired state comes from and drift is reported to. */
export interface ReconcileUplink {
  fetchState(signal: AbortSignal): Promise<DesiredState>;
  reportDrift(report: DriftReport, signal: AbortSignal): Promise<void>;
}

/** Who takes signing keys that a pull announces. */
export interface ReconcileKeys {
  readonly present: SigningKeys;
  take(keys: SigningKeys): Promise<void>;
}

/** Options for {@linkcode Reconciler}. */
export interface ReconcilerOptions {
  readonly uplink: ReconcileUplink;
  readonly state: StatePort;
  readonly keys: ReconcileKeys;
  /** The id of this node, as the control plane gave it. */
  readonly nodeId: string;
  /** Time between two pulls. @default {60000} */
  readonly intervalMs?: number;
  /** Hears how each pull went. */
  readonly onPull?: (failure: unknown) => void;
  readonly io: Platform;
}

/** How the pulls go. */
export interface ReconcileStatus {
  readonly lastSuccessMs?: number;
  readonly lastError?: string;
  readonly nextMs?: number;
}

/** A pulled state was not applied. The stored one stays in use. */
export class RefusedStateError extends Error {
  override readonly name = "RefusedStateError";

  constructor(readonly kind: "foreign" | "rolled_back", message: string) {
    super(`State refused: ${message}`);
  }
}

/** Triggers come in bursts; the control plane need not feel each of them. */
const MIN_GAP_MS = 1_000;

/** A pull that an event has overtaken is repeated, but not for ever. */
const MAX_RACES = 3;

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
  #triggers: string[] = [];
  #wake: (() => void) | undefined;
  #lastStartMs = -Infinity;
  #status: ReconcileStatus = {};

  constructor(options: ReconcilerOptions) {
    const { intervalMs = 60_000 } = options;
    if (!(intervalMs >= 1_000)) {
      throw new RangeError(
        `Cannot reconcile as "intervalMs" must be >= 1000: current value is ${intervalMs}`,
      );
    }
    this.#options = options;
    this.#intervalMs = intervalMs;
  }

  get status(): ReconcileStatus {
    return this.#status;
  }

  /** Asks for a pull soon; any number of triggers before it become one. */
  trigger(reason: string): void {
    this.#triggers.push(reason);
    this.#wake?.();
  }

  /**
   * Pulls now. Whoever asks while a pull is under way shares it.
   *
   * @throws {ControlError | RefusedStateError | StoreWriteError}
   */
  pullNow(signal: AbortSignal): Promise<void> {
    return this.#pulling ??= this.#pull(signal).finally(() => {
      this.#pulling = undefined;
    });
  }

  async run(signal: AbortSignal): Promise<void> {
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
    const { clock } = this.#options.io;
    if (this.#triggers.length === 0) {
      this.#status = {
        ...this.#status,
        nextMs: clock.now() + this.#intervalMs,
      };
      await this.#triggerOr(this.#intervalMs, signal);
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
    }
  }

  async #pull(signal: AbortSignal): Promise<void> {
    const { io, onPull } = this.#options;
    const reasons = [...new Set(this.#triggers)];
    this.#triggers = [];
    this.#lastStartMs = io.clock.elapsed();
    try {
      const corrections = await this.#converge(signal);
      this.#status = { lastSuccessMs: io.clock.now() };
      onPull?.(undefined);
      if (corrections.length === 0) return;
      io.log.info("Drift corrected", {
        corrections: corrections.length,
        reasons,
      });
      await this.#report(corrections, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#status = { ...this.#status, lastError: describeError(error) };
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
    const { uplink, state, keys } = this.#options;
    for (let race = 1;; race++) {
      const before = state.view;
      const desired = await uplink.fetchState(signal);
      const outcome: { corrections: Correction[]; raced: boolean } = {
        corrections: [],
        raced: false,
      };
      await state.update((latest) => {
        outcome.raced = this.#isOvertaken(before, latest, desired, race);
        if (outcome.raced) return undefined;
        const present = { ...latest, signingKeys: keys.present };
        outcome.corrections = diffState(present, withKeys(desired, present));
        return changeTo(desired);
      });
      if (outcome.raced) continue;
      if (desired.signingKeys) await keys.take(desired.signingKeys);
      return outcome.corrections;
    }
  }

  /**
   * Whether the state has moved on since the answer was asked for.
   *
   * @throws {RefusedStateError} for a state that must not be applied at all.
   */
  #isOvertaken(
    before: StateView,
    latest: StateView,
    desired: DesiredState,
    race: number,
  ): boolean {
    const { nodeId, position } = desired;
    if (nodeId !== undefined && nodeId !== this.#options.nodeId) {
      throw new RefusedStateError("foreign", "it is for another node");
    }
    const moved = latest.revision !== before.revision;
    if (!position) {
      // Whoever numbers states and stops to do so may hide a rollback.
      if (latest.position) {
        throw new RefusedStateError(
          "rolled_back",
          "it carries no version any more",
        );
      }
      return moved && race < MAX_RACES;
    }
    if (!latest.position || comparePositions(position, latest.position) >= 0) {
      return false;
    }
    if (moved && race < MAX_RACES) return true;
    throw new RefusedStateError(
      "rolled_back",
      "it is older than the one that is stored",
    );
  }

  async #report(corrections: readonly Correction[], signal: AbortSignal) {
    const { uplink, io } = this.#options;
    const timestamp = isoTime(io.clock.now());
    try {
      await uplink.reportDrift(
        { timestamp, corrections: [...corrections] },
        signal,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      io.log.warn("Drift report failed", { error: describeError(error) });
    }
  }
}

/** A pull without keys says nothing about them. */
function withKeys(
  desired: DesiredState,
  present: { readonly signingKeys: SigningKeys },
): DesiredState {
  return desired.signingKeys
    ? desired
    : { ...desired, signingKeys: present.signingKeys };
}

function changeTo(desired: DesiredState): StateChange {
  const { metadata, data, secretRefs, peers, policies, position } = desired;
  return {
    metadata,
    data,
    secretRefs,
    peers,
    policies,
    ...(position ? { position } : {}),
    complete: true,
  };
}
