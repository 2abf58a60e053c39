import { sign } from "node:crypto";
import type { KeyPair } from "@nats-io/nkeys";
import { privateKeyFrom } from "../signing_key.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** In the text of a seed two bytes say what it is, two at the end check it. */
const SEED_FROM = 2;
const SEED_TO = 34;

/**
 * The same key pair, quick enough for a fleet: the package derives the key from
 * its seed for each use, in JavaScript, which takes some milliseconds, while
 * nothing else in this process goes on.
 */
export function swiftKeyPair(pair: KeyPair): KeyPair {
  const publicKey = pair.getPublicKey();
  const privateKey = pair.getPrivateKey();
  const seed = base32(new TextDecoder().decode(pair.getSeed()));
  const signingKey = privateKeyFrom(seed.subarray(SEED_FROM, SEED_TO));
  seed.fill(0);
  return {
    getPublicKey: () => publicKey,
    getPrivateKey: () => privateKey,
    getSeed: () => pair.getSeed(),
    sign: (input) => new Uint8Array(sign(null, input, signingKey)),
    verify: (input, signature) => pair.verify(input, signature),
    clear: () => pair.clear(),
    seal: (input, recipient, nonce) => pair.seal(input, recipient, nonce),
    open: (message, sender) => pair.open(message, sender),
  };
}

/** @see RFC 4648, section 6; without padding */
function base32(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << 5 | BASE32.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(value >> bits & 0xff);
  }
  return Uint8Array.from(bytes);
}
