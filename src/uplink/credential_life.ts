import type { Clock } from "../platform/clock.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import { ControlError } from "./control_error.ts";

/** Renewed this long before they expire. */
const MARGIN_MS = 30_000;

/** Those that live shorter are renewed at half of their life. */
const SHORT_LIFE_MS = 60_000;

/** A moment on both clocks, in ms. */
export interface Moment {
  readonly wallMs: number;
  readonly elapsedMs: number;
}

/**
 * For how long credentials are good, by either clock: monotonic time stands
 * still while the machine sleeps, and wall time can be set back. Whichever says
 * first that they are over is right.
 *
 * Their length counts from when they were asked for, so that a difference
 * between this clock and the control plane's does not matter.
 */
export class CredentialLife {
  private constructor(
    readonly credentials: CarrierCredentials,
    readonly issuedAtMs: number,
    private readonly clock: Clock,
    private readonly begun: Moment,
    private readonly lengthMs: number,
  ) {}

  /** @throws {ControlError} kind "bad_answer" when they live no time at all. */
  static fetched(
    credentials: CarrierCredentials,
    asked: Moment,
    clock: Clock,
  ): CredentialLife {
    const lengthMs = lengthOf(credentials);
    if (lengthMs > 0) {
      const { wallMs } = asked;
      return new CredentialLife(credentials, wallMs, clock, asked, lengthMs);
    }
    throw new ControlError(
      "bad_answer",
      "The control plane gave carrier credentials that never were valid",
    );
  }

  /**
   * Those of an earlier run: when they were asked for is what they say
   * themselves.
   *
   * @returns undefined when they are over, or the clock stands before them.
   */
  static restored(
    credentials: CarrierCredentials,
    clock: Clock,
  ): CredentialLife | undefined {
    const lengthMs = lengthOf(credentials);
    const issuedAtMs = Date.parse(credentials.issued_at);
    const ageMs = clock.now() - issuedAtMs;
    if (!(ageMs >= 0 && ageMs < lengthMs)) return undefined;
    return new CredentialLife(credentials, issuedAtMs, clock, {
      wallMs: issuedAtMs,
      elapsedMs: clock.elapsed() - ageMs,
    }, lengthMs);
  }

  /** Wall time. */
  get expiresAtMs(): number {
    return this.clock.now() + this.lengthMs - this.#ageMs;
  }

  get isOver(): boolean {
    return this.#ageMs >= this.lengthMs;
  }

  get isDue(): boolean {
    return this.dueInMs <= 0;
  }

  /** Until they should be renewed. */
  get dueInMs(): number {
    const { lengthMs } = this;
    const dueMs = lengthMs < SHORT_LIFE_MS
      ? lengthMs / 2
      : lengthMs - MARGIN_MS;
    return dueMs - this.#ageMs;
  }

  get #ageMs(): number {
    const { wallMs, elapsedMs } = this.begun;
    return Math.max(
      this.clock.now() - wallMs,
      this.clock.elapsed() - elapsedMs,
    );
  }
}

/** NaN for times that are none. */
function lengthOf({ issued_at, expires_at }: CarrierCredentials): number {
  return Date.parse(expires_at) - Date.parse(issued_at);
}
