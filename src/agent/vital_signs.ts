import type { Clock } from "../platform/clock.ts";

/** A loop of the agent, as seen from outside. */
export interface WatchedLoop {
  readonly name: string;
  /** Another object each time the loop has got on. */
  progress(): object;
  /**
   * When it will get on by itself, monotonic ms; undefined while it may wait for
   * ever.
   */
  nextMs(): number | undefined;
}

/**
 * How late a loop may be. Calls to the control plane have limits of their own
 * that are far shorter, so one that is later than this will never come.
 */
export const LATEST_MS = 300_000;

interface Seen {
  readonly progress: object;
  /** Monotonic time of its next step. */
  readonly dueMs: number;
}

/** Options for {@linkcode VitalSigns}. */
export interface VitalSignsOptions {
  readonly loops: readonly WatchedLoop[];
  /** Asks the local API as a workload would. @throws when it does not answer. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

/**
 * Finds out whether the node's parts are alive: that a timer fires shows that
 * the event loop turns, and nothing else.
 *
 * A part that ends takes the process down. This is for those that hang: a loop
 * whose time has come and gone, and a local API that does not answer.
 */
export class VitalSigns {
  readonly #options: VitalSignsOptions;
  readonly #seen = new Map<WatchedLoop, Seen>();

  constructor(options: VitalSignsOptions) {
    this.#options = options;
  }

  /** @returns what does not live, in words; undefined when all is well. */
  async check(signal: AbortSignal): Promise<string | undefined> {
    for (const loop of this.#options.loops) {
      const lateMs = this.#lateMs(loop);
      if (lateMs > LATEST_MS) {
        return `${loop.name} is ${Math.round(lateMs / 1_000)} s late`;
      }
    }
    try {
      await this.#options.probe(signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      return `the local API does not answer: ${why}`;
    }
  }

  #lateMs(loop: WatchedLoop): number {
    const { clock } = this.#options;
    const progress = loop.progress();
    let seen = this.#seen.get(loop);
    if (seen?.progress !== progress) {
      seen = { progress, dueMs: loop.nextMs() ?? Infinity };
      this.#seen.set(loop, seen);
    }
    return clock.elapsed() - seen.dueMs;
  }
}
