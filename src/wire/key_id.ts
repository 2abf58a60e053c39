import { createHash } from "node:crypto";

/**
 * Short name of a public key: base64url of the first 16 bytes of its SHA-256.
 *
 * @param publicKey Its 32 bytes.
 * @see design, section 8 "Signed snapshots"
 */
export function keyIdOf(publicKey: Uint8Array): string {
  return createHash("sha256").update(publicKey).digest().subarray(0, 16)
    .toString("base64url");
}
