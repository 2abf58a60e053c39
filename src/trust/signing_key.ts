import { createPublicKey, verify } from "node:crypto";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { keyIdOf } from "../wire/key_id.ts";

/** A public key of the control plane, ready to verify with. */
export interface SigningKey {
  /** Base64 of the 32 bytes. */
  readonly text: string;
  /** Short name of the key: base64url of 16 bytes of its SHA-256. */
  readonly fingerprint: string;
  /** Whether `signature` over `message` was made with this key. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
}

/** Start of a public key in DER form; the 32 bytes follow. @see RFC 8410 */
const DER_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");

/**
 * Points whose order divides 8, sign bit cleared: with such a key anyone can
 * make signatures that hold for any message, and the runtime accepts them.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/**
 * Reads a signing key from base64 of its 32 bytes, or of its DER form, in which
 * documentation of dialect 2 shows one.
 *
 * @returns undefined for another length, or for bytes that are no point of the
 * curve to verify with.
 * @see docs/wire.md, sections b.4 and h.8
 */
export function importSigningKey(text: string): SigningKey | undefined {
  const bytes = rawKey(decodeBase64(text));
  if (bytes?.length !== 32 || isSmallOrder(bytes)) return undefined;
  let key: ReturnType<typeof createPublicKey>;
  try {
    key = createPublicKey({
      key: Uint8Array.of(...DER_PREFIX, ...bytes).toBase64(),
      encoding: "base64",
      format: "der",
      type: "spki",
    });
  } catch {
    return undefined;
  }
  return {
    text: encodeBase64(bytes),
    fingerprint: keyIdOf(bytes),
    verifies: (message, signature) => verify(null, message, key, signature),
  };
}

function rawKey(
  bytes: Uint8Array<ArrayBuffer> | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  const isDer = bytes?.length === DER_PREFIX.length + 32 &&
    DER_PREFIX.every((byte, at) => bytes[at] === byte);
  return isDer ? bytes.slice(DER_PREFIX.length) : bytes;
}

function isSmallOrder(bytes: Uint8Array): boolean {
  const unsigned = Uint8Array.from(bytes);
  unsigned[31] = unsigned[31]! & 0x7f;
  return SMALL_ORDER.has(unsigned.toHex());
}
