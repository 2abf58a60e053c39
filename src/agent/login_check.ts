import { type Clock, isoTime } from "../platform/clock.ts";
import type { StatusDocument } from "../wire/status.ts";

/** Whether the control plane takes the node's credentials, as far as is known. */
export type LoginState = "unknown" | "ok" | "invalid";

/** The longest that somebody who asks for the status is kept waiting, ms. */
const PROBE_LIMIT_MS = 3_000;
/** Between two probes, ms; one that was in vain is not repeated at once. */
const PROBE_INTERVAL_MS = 10_000;

/** Who the control plane is asked as. */
export interface LoginUse {
  /** As it goes over the wire. */
  readonly bearer: string;
  /** Names the key without a word of it. */
  readonly fingerprint: string;
  /** One cheap call with these credentials; what comes of it is heard here. */
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
  /** Hears of each change. */
  readonly changed: (from: LoginState, to: LoginState) => void;
}

/**
 * What every answer of the control plane says about the credentials that the
 * call has shown: 2xx and 404 that they are good, 401 that they are not. All
 * else, and no answer, says nothing.
 */
export class LoginCheck {
  readonly #clock: Clock;
  #use: LoginUse | undefined;
  #state: LoginState = "unknown";
  #atMs: number | undefined;
  #probing: Promise<void> | undefined;
  #probedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Credentials that are used from now on: nothing is known of them. */
  use(use: LoginUse | undefined): void {
    const isSame = use && this.#use?.fingerprint === use.fingerprint;
    this.#use = use;
    if (isSame) return;
    this.#state = "unknown";
    this.#atMs = undefined;
    this.#probedMs = -Infinity;
  }

  /** @param bearer What the call has shown: others' answers are not ours. */
  answered(status: number, bearer: string | undefined): void {
    const use = this.#use;
    if (!use || bearer !== use.bearer) return;
    const next = stateAfter(status);
    if (!next) return;
    const former = this.#state;
    this.#state = next;
    this.#atMs = this.#clock.now();
    if (next !== former) use.changed(former, next);
  }

  status(): NonNullable<StatusDocument["credential"]> {
    return {
      check: this.#state,
      at: this.#atMs === undefined ? null : isoTime(this.#atMs),
      fingerprint: this.#use?.fingerprint ?? null,
    };
  }

  /**
   * Asks the control plane if nothing is known yet, for all who want to know at
   * that time at once. Never rejects, and never takes long.
   */
  async probe(): Promise<void> {
    if (!this.#use || this.#state !== "unknown") return;
    const isDue = this.#clock.elapsed() - this.#probedMs >= PROBE_INTERVAL_MS;
    if (!this.#probing && !isDue) return;
    this.#probing ??= this.#ask(this.#use).finally(() => {
      this.#probing = undefined;
    });
    await this.#probing;
  }

  async #ask({ ask }: LoginUse): Promise<void> {
    this.#probedMs = this.#clock.elapsed();
    const late = new AbortController();
    const done = new AbortController();
    const limit = this.#clock.sleep(PROBE_LIMIT_MS, done.signal)
      .then(() => late.abort(new Error("The control plane takes too long")))
      .catch(() => {});
    // What it says is heard with all answers; that there is none, too.
    await ask(late.signal).catch(() => {});
    done.abort();
    await limit;
  }
}

function stateAfter(status: number): LoginState | undefined {
  if (status >= 200 && status < 300 || status === 404) return "ok";
  return status === 401 ? "invalid" : undefined;
}
