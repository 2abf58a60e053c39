/** A release of plexd as it was published, before anything is believed. */
export interface SignedRelease {
  readonly version: string;
  /** Name of the file, such as `plexd-1.2.3-linux-amd64.tar.gz`. */
  readonly name: string;
  /** The published list of checksums, byte for byte: what is signed. */
  readonly sums: string;
  /** Base64 of the 64 bytes of the list's Ed25519 signature. */
  readonly signature: string;
}

declare const verified: unique symbol;
/** A file of a release whose checksum a known key has signed. */
export interface VerifiedArtifact extends SignedRelease {
  /** SHA-256 of the file, in lower-case hex. */
  readonly sha256: string;
  /** Which key signed it: base64url of the first 16 bytes of its SHA-256. */
  readonly keyId: string;
  readonly [verified]: true;
}
