import { decodeBase64 } from "../wire/base64.ts";
import { signedText } from "../wire/canonical.ts";
import type { Envelope, VerifiedEvent } from "../wire/envelope.ts";
import { freshIssueTime } from "./event_freshness.ts";
import type { Keyring } from "./keyring.ts";
import { withMessageBytes } from "./message_bytes.ts";
import { RejectedEventError } from "./rejected_event_error.ts";
import type { ReplayWindow } from "./replay_window.ts";

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

/**
 * Turns envelopes of dialect 1 into verified events, or refuses them.
 *
 * Synchronous, and that is deliberate: events keep their order without queues,
 * and one verification after another is the fastest way the runtime has.
 */
export class EventVerifier {
  readonly #keyring: Keyring;
  readonly #window: ReplayWindow;
  readonly #clock: VerifierClock;

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
    const nowMs = this.#clock.now();
    const issuedAtMs = freshIssueTime(
      envelope.issuedAt,
      nowMs,
      this.#window.floorMs,
    );
    const signature = decodeBase64(envelope.signature);
    const signedBy = signature && withMessageBytes(
      signedText(envelope),
      (message) => this.#keyring.signerOf(message, signature, nowMs),
    );
    if (!signedBy) throw new RejectedEventError("signature");
    if (this.#window.has(envelope.nonce)) {
      throw new RejectedEventError("replay", { eventId: envelope.id });
    }
    this.#window.remember(envelope.nonce, issuedAtMs, nowMs);
    const { type, id, payload, nonce } = envelope;
    // Beside dialect 2's, the one place where an event becomes a verified one.
    return { type, id, payload, nonce, issuedAtMs, signedBy } as VerifiedEvent;
  }

  /** Lets an event come again whose effect could not be made durable. */
  release(event: VerifiedEvent): void {
    if (event.nonce !== undefined) this.#window.forget(event.nonce);
  }
}
