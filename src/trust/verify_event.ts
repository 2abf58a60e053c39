import { decodeBase64 } from "../wire/base64.ts";
import { signedText } from "../wire/canonical.ts";
import type { Envelope, VerifiedEvent } from "../wire/envelope.ts";
import { parseRfc3339, type Rfc3339Time } from "../wire/rfc3339.ts";
import type { Keyring } from "./keyring.ts";
import { EVENT_WINDOW_MS, type ReplayWindow } from "./replay_window.ts";

/** An event was refused. The stream goes on. */
export class RejectedEventError extends Error {
  override readonly name = "RejectedEventError";
  readonly kind:
    | "missing_signature"
    | "missing_nonce"
    | "missing_issued_at"
    | "stale"
    | "future"
    | "signature"
    | "replay";

  constructor(kind: RejectedEventError["kind"]) {
    super(`Event refused: ${kind}`);
    this.kind = kind;
  }
}

/** Wall time, as the verifier needs it. */
export interface VerifierClock {
  /** Ms since the Unix epoch. */
  now(): number;
}

/** What {@linkcode EventVerifier} works with. */
export interface EventVerifierOptions {
  readonly keyring: Keyring;
  readonly replayWindow: ReplayWindow;
  readonly clock: VerifierClock;
}

/** Go's zero time, which stands for no time at all. */
const ZERO_TIME_MS = Date.parse("0001-01-01T00:00:00Z");

/**
 * Turns envelopes into verified events, or refuses them.
 *
 * Synchronous, and that is deliberate: events keep their order without queues,
 * and one verification after another is the fastest way the runtime has.
 */
export class EventVerifier {
  readonly #keyring: Keyring;
  readonly #window: ReplayWindow;
  readonly #clock: VerifierClock;
  readonly #encoder = new TextEncoder();

  constructor(options: EventVerifierOptions) {
    this.#keyring = options.keyring;
    this.#window = options.replayWindow;
    this.#clock = options.clock;
  }

  /**
   * Checks presence, freshness, signature and novelty, in this order.
   *
   * The nonce is remembered last, once the signature holds: otherwise anyone
   * could burn nonces with forged events.
   *
   * @throws {RejectedEventError} kind "stale" or "future" if `issuedAt` is more
   * than 300_000 ms away from the clock; exactly that much passes.
   * @see docs/wire.md, section b.3
   */
  verify(envelope: Envelope): VerifiedEvent {
    if (envelope.signature === "") {
      throw new RejectedEventError("missing_signature");
    }
    if (envelope.nonce === "") throw new RejectedEventError("missing_nonce");
    const issued = parseRfc3339(envelope.issuedAt);
    if (!issued || issued.ms === ZERO_TIME_MS) {
      throw new RejectedEventError("missing_issued_at");
    }
    const nowMs = this.#clock.now();
    this.#checkFreshness(issued, nowMs);
    const signature = decodeBase64(envelope.signature);
    const signedBy = signature && this.#keyring.signerOf(
      this.#encoder.encode(signedText(envelope)),
      signature,
      nowMs,
    );
    if (!signedBy) throw new RejectedEventError("signature");
    if (this.#window.has(envelope.nonce)) {
      throw new RejectedEventError("replay");
    }
    this.#window.remember(envelope.nonce, issued.ms, nowMs);
    // The one place where an event becomes a verified one.
    return { ...envelope, issuedAtMs: issued.ms, signedBy } as VerifiedEvent;
  }

  /** Lets an event come again whose effect could not be made durable. */
  release(event: VerifiedEvent): void {
    this.#window.forget(event.nonce);
  }

  #checkFreshness({ ms, subMs }: Rfc3339Time, nowMs: number) {
    if (nowMs - ms > EVENT_WINDOW_MS || ms <= this.#window.floorMs) {
      throw new RejectedEventError("stale");
    }
    const aheadMs = ms - nowMs;
    if (
      aheadMs > EVENT_WINDOW_MS || (aheadMs === EVENT_WINDOW_MS && subMs > 0)
    ) {
      throw new RejectedEventError("future");
    }
  }
}
