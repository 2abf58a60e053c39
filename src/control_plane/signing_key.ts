import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { encodeBase64 } from "../wire/base64.ts";

/** What stands before the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");

const KEY_BYTES = 32;

/** The private key in a seed of 32 bytes. */
export function privateKeyFrom(seed: Uint8Array): KeyObject {
  const der = new Uint8Array([...PKCS8_PREFIX, ...seed]);
  return createPrivateKey({
    key: der.toBase64(),
    encoding: "base64",
    format: "der",
    type: "pkcs8",
  });
}

/** Base64 of the 32 bytes of the public key. */
export function publicKeyOf(privateKey: KeyObject): string {
  const der = createPublicKey(privateKey).export({
    format: "der",
    type: "spki",
  });
  return encodeBase64(new Uint8Array(der).slice(-KEY_BYTES));
}
