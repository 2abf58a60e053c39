import { decodeBase64 } from "../wire/base64.ts";
import { signedText2 } from "../wire/canonical.ts";
import type { Envelope2, VerifiedEvent } from "../wire/envelope.ts";
import { freshIssueTime } from "./event_freshness.ts";
import type { Keyring } from "./keyring.ts";
import { withMessageBytes } from "./message_bytes.ts";
import { RejectedEventError } from "./rejected_event_error.ts";
import type { VerifierClock } from "./verify_event.ts";

/** What {@linkcode EventVerifier2} works with. */
export interface EventVerifier2Options {
  readonly keyring: Keyring;
  readonly clock: VerifierClock;
}

/**
 * Turns envelopes of dialect 2 into verified events, or refuses them.
 *
 * There is no nonce, so within five minutes an event verifies any number of
 * times: whatever it causes has to do no harm when it is caused again.
 *
 * @see docs/wire.md, section h.8
 */
export class EventVerifier2 {
  readonly #keyring: Keyring;
  readonly #clock: VerifierClock;

  constructor(options: EventVerifier2Options) {
    this.#keyring = options.keyring;
    this.#clock = options.clock;
  }

  /**
   * Checks presence, freshness, the key's name and the signature, in this order.
   *
   * @throws {RejectedEventError}
   */
  verify(envelope: Envelope2): VerifiedEvent {
    if (envelope.signature === "") {
      throw new RejectedEventError("missing_signature");
    }
    const nowMs = this.#clock.now();
    const issuedAtMs = freshIssueTime(envelope.issuedAt, nowMs, -Infinity);
    const { keyId } = envelope;
    const signedBy = this.#keyring.keyCalled(keyId, nowMs);
    if (!signedBy) throw new RejectedEventError("unknown_key_id", { keyId });
    const signature = decodeBase64(envelope.signature);
    const isGenuine = signature && withMessageBytes(
      signedText2(envelope),
      (message) => this.#keyring.verifies(signedBy, message, signature),
    );
    if (!isGenuine) throw new RejectedEventError("signature");
    const { type, id, payload, scope } = envelope;
    return { type, id, payload, scope, issuedAtMs, signedBy } as VerifiedEvent;
  }
}
