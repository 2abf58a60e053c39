import { decodeBase64 } from "../wire/base64.ts";
import type { SignedRelease, VerifiedArtifact } from "../wire/release.ts";
import { importSigningKey } from "./signing_key.ts";

/** A release was not believed. Nothing of it must be placed or run. */
export class RefusedArtifactError extends Error {
  override readonly name = "RefusedArtifactError";

  constructor(
    readonly kind: "unsigned" | "unknown_key" | "not_listed",
    message: string,
  ) {
    super(`Release refused: ${message}`);
  }
}

/**
 * Checks that one of the release keys has signed a list of checksums, and looks
 * the file up in it. The bytes of the file are still to be held against the
 * checksum.
 *
 * @param keys Base64 of the 32 bytes of each release key.
 * @throws {RefusedArtifactError}
 */
export function verifyArtifact(
  release: SignedRelease,
  keys: readonly string[],
): VerifiedArtifact {
  const { name, sums } = release;
  const signature = decodeBase64(release.signature);
  if (signature?.length !== 64) {
    throw new RefusedArtifactError(
      "unsigned",
      "its list of checksums carries no signature",
    );
  }
  const message = new TextEncoder().encode(sums);
  const signer = keys.map((key) => importSigningKey(key))
    .find((key) => key?.verifies(message, signature));
  if (!signer) {
    throw new RefusedArtifactError(
      "unknown_key",
      "none of the known release keys has signed its list of checksums",
    );
  }
  const sha256 = checksumOf(sums, name);
  if (sha256 === undefined) {
    throw new RefusedArtifactError(
      "not_listed",
      `its list of checksums does not hold ${JSON.stringify(name)} once`,
    );
  }
  // The one place where a release becomes a verified one.
  return {
    ...release,
    sha256,
    keyId: signer.fingerprint,
  } as VerifiedArtifact;
}

/** The checksum of a file in the form of `sha256sum`: whole lines only. */
function checksumOf(sums: string, name: string): string | undefined {
  const found = sums.split("\n").flatMap((line) => {
    const [, sum, listed] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    return sum !== undefined && listed === name ? [sum] : [];
  });
  return found.length === 1 ? found[0] : undefined;
}
