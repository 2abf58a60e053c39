import { createPrivateKey, sign } from "node:crypto";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { signedText } from "../../src/wire/canonical.ts";
import type { Envelope } from "../../src/wire/envelope.ts";
import { vectors } from "../vectors/load.ts";

export type SignerName = keyof typeof vectors.ed25519_keys;

/** Base64 of the public key of a signer of the vectors. */
export function publicKeyOf(name: SignerName): string {
  return vectors.ed25519_keys[name].public_key_b64;
}

/** Signs bytes with the private key of a signer of the vectors. */
export function signWith(name: SignerName, message: Uint8Array): Uint8Array {
  const seed = vectors.ed25519_keys[name].seed_b64;
  const key = createPrivateKey({
    key: Uint8Array.of(
      ...Uint8Array.fromHex("302e020100300506032b657004220420"),
      ...Uint8Array.fromBase64(seed),
    ).toBase64(),
    encoding: "base64",
    format: "der",
    type: "pkcs8",
  });
  return new Uint8Array(sign(null, message, key));
}

/** An event of the vectors' moment, signed by `signer`. */
export function signedEvent(
  fields: Partial<Envelope> = {},
  signer: SignerName = "A",
): Envelope {
  const event = {
    type: "node_state_updated",
    id: "evt-1",
    issuedAt: vectors.clock_now,
    nonce: "nonce-1",
    payload: "{}",
    ...fields,
  };
  const message = new TextEncoder().encode(signedText(event));
  return { ...event, signature: encodeBase64(signWith(signer, message)) };
}
