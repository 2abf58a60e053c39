import { decodeBase64 } from "../wire/base64.ts";
import type { TrustBundle } from "../wire/trust_bundle.ts";
import { importSigningKey } from "./signing_key.ts";

/** A trust bundle was not taken. The one before stays in force. */
export class RefusedBundleError extends Error {
  override readonly name = "RefusedBundleError";

  constructor(
    readonly kind: "unknown_root" | "bad_key" | "rolled_back" | "equivocation",
    message: string,
  ) {
    super(`Trust bundle refused: ${message}`);
  }
}

/** The bundle in force, as far as the next one is held against it. */
export interface PinnedTrust {
  /** Base64 of 32 bytes each. */
  readonly roots: readonly string[];
  readonly revokedKeyIds: readonly string[];
  /** Of the bundle in force; 0 before the first one. */
  readonly version: number;
  /** What its signature covered; empty before the first one. */
  readonly signedText: string;
}

declare const verified: unique symbol;
/** A bundle that a pinned root has signed. */
export type VerifiedBundle = TrustBundle & { readonly [verified]: true };

/**
 * Checks that a root which is pinned, and revoked neither now nor by the bundle
 * itself, has signed a bundle, and that it is none of an earlier time.
 *
 * @throws {RefusedBundleError}
 * @see design, section 8 "Signed snapshots"
 */
export function verifyBundle(
  bundle: TrustBundle,
  pinned: PinnedTrust,
): VerifiedBundle {
  for (const key of [...bundle.roots, ...bundle.signingKeys]) {
    if (importSigningKey(key)) continue;
    throw new RefusedBundleError("bad_key", "it holds a key that is none");
  }
  if (!hasKnownSigner(bundle, pinned)) {
    throw new RefusedBundleError(
      "unknown_root",
      "none of the pinned roots has signed it",
    );
  }
  if (bundle.version < pinned.version) {
    throw new RefusedBundleError("rolled_back", "a later one is in force");
  }
  const isSame = bundle.signedText === pinned.signedText;
  if (bundle.version === pinned.version && !isSame) {
    throw new RefusedBundleError(
      "equivocation",
      "another one with the same version is in force",
    );
  }
  return bundle as VerifiedBundle;
}

function hasKnownSigner(bundle: TrustBundle, pinned: PinnedTrust): boolean {
  const signature = decodeBase64(bundle.signature);
  if (!signature) return false;
  const revoked = new Set([...pinned.revokedKeyIds, ...bundle.revokedKeyIds]);
  const message = new TextEncoder().encode(bundle.signedText);
  return pinned.roots.some((root) => {
    const key = importSigningKey(root);
    return key !== undefined && !revoked.has(key.fingerprint) &&
      key.verifies(message, signature);
  });
}
