import { describeError } from "../platform/log.ts";
import { isoTime } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { spreadMs } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { NodeNat, NodeUplink } from "../uplink/node_uplink.ts";
import type { AgentHealth } from "../wire/agent_health.ts";

/** Options for {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  readonly uplink: Pick<NodeUplink, "heartbeat">;
  /**
   * Time from the start of one to the start of the next, before jitter of a
   * tenth. @default {30000}
   */
  readonly intervalMs?: number;
  /** Monotonic time at which the agent started, ms. */
  readonly startedMs: number;
  /** Whether anything is wrong, asked for each heartbeat. */
  readonly isDegraded: () => boolean;
  /**
   * The agent's health, for a control plane that has announced to take it.
   * @default none is told
   */
  readonly health?: () => AgentHealth;
  /** SHA-256 of the running program in hex; empty when it is not known. */
  readonly binarySha256: () => Promise<string>;
  /** How the node is reached from outside. @default none is told */
  readonly nat?: NodeNat;
  /** The control plane asks for a pull. */
  readonly onReconcile: () => void;
  /** The control plane asks for a new node key. */
  readonly onRotateKeys: () => void;
  /** Hears how each heartbeat went. */
  readonly onAnswer?: (failure: unknown) => void;
  readonly io: Platform;
}

/**
 * Longest silence that a control plane can ask for with `Retry-After`: after
 * that, plexd's own counts a node as gone.
 */
const LONGEST_SILENCE_MS = 300_000;

/** How the heartbeats go: another object for each of them. */
export interface HeartbeatStatus {
  /** Monotonic: when the next one is due. */
  readonly nextMs?: number;
}

/** Says at intervals that the node lives. @see docs/wire.md, section e.1 */
export class Heartbeat implements Part {
  readonly name = "heartbeat";
  readonly #options: HeartbeatOptions;
  readonly #intervalMs: number;
  #status: HeartbeatStatus = {};
  #wake: (() => void) | undefined;
  /** One is wanted at once, though another may be under way. */
  #isWanted = false;
  /** What the last one failed with, as long as they fail. */
  #failing: string | undefined;

  constructor(options: HeartbeatOptions) {
    const { intervalMs = 30_000 } = options;
    if (!(intervalMs >= 1_000)) {
      throw new RangeError(
        `Cannot send heartbeats as "intervalMs" must be >= 1000: current value is ${intervalMs}`,
      );
    }
    this.#options = options;
    this.#intervalMs = intervalMs;
  }

  /** When the next one is due. */
  get status(): HeartbeatStatus {
    return this.#status;
  }

  /** Sends the next one at once. */
  now(): void {
    this.#isWanted = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options.io;
    while (!signal.aborted) {
      const intervalMs = spreadMs(this.#intervalMs, () => random.unit());
      let dueMs = clock.elapsed() + intervalMs;
      this.#isWanted = false;
      this.#status = { nextMs: dueMs };
      const askedMs = await this.#beat(signal);
      if (this.#isWanted) continue;
      const earliestMs = clock.elapsed() + askedMs;
      if (earliestMs > dueMs) {
        dueMs = earliestMs;
        this.#status = { nextMs: dueMs };
      }
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await clock
        .sleep(dueMs - clock.elapsed(), AbortSignal.any([signal, woken.signal]))
        .catch(() => {});
      this.#wake = undefined;
    }
  }

  /** @returns how long the control plane wants to be left alone, ms. */
  async #beat(signal: AbortSignal): Promise<number> {
    const { uplink, isDegraded, binarySha256, nat, io } = this.#options;
    const { onReconcile, onRotateKeys, onAnswer, health } = this.#options;
    try {
      // Asked first: what follows is what holds when the heartbeat leaves.
      const sha256 = await binarySha256();
      const hints = await uplink.heartbeat({
        timestamp: isoTime(io.clock.now()),
        status: isDegraded() ? "degraded" : "healthy",
        uptimeMs: io.clock.elapsed() - this.#options.startedMs,
        binarySha256: sha256,
        ...(nat ? { nat } : {}),
        ...(health ? { agent: health() } : {}),
      }, signal);
      this.#failing = undefined;
      onAnswer?.(undefined);
      if (hints.reconcile) onReconcile();
      if (hints.rotateKeys) onRotateKeys();
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      this.#tell(describeError(error));
      onAnswer?.(error);
      return this.#askedMs(error);
    }
  }

  /** Once for each cause: an outage of a day is no news every 30 s. */
  #tell(error: string) {
    const isNews = error !== this.#failing;
    this.#failing = error;
    this.#options.io.log[isNews ? "warn" : "debug"]("Heartbeat failed", {
      error,
    });
  }

  /** Spread beyond it: nodes that were told the same must not come together. */
  #askedMs(error: unknown): number {
    const asked = error instanceof ControlError
      ? error.retryAfterMs
      : undefined;
    if (asked === undefined) return 0;
    const { random } = this.#options.io;
    const spread = this.#intervalMs * random.unit();
    return Math.min(asked + spread, LONGEST_SILENCE_MS);
  }
}
