import type { Envelope, VerifiedEvent } from "../../src/wire/envelope.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { EventVerifier } from "../../src/trust/verify_event.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";
import { publicKeyOf, signedEvent, type SignerName } from "../trust/signers.ts";

/** A keyring that trusts one signer of the vectors. */
export function keyringOf(name: SignerName = "A"): Keyring {
  return new Keyring({
    current: publicKeyOf(name),
    retired: [],
    signedChange: false,
  });
}

/** An event that has really been signed and verified, with key "A". */
export function verifiedEvent(fields: Partial<Envelope>): VerifiedEvent {
  const verifier = new EventVerifier({
    keyring: keyringOf(),
    replayWindow: new ReplayWindow(),
    clock: { now: () => VECTORS_NOW_MS },
  });
  return verifier.verify(signedEvent(fields));
}
