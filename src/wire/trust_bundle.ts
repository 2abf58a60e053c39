import * as z from "zod/mini";
import { dropSpace } from "./canonical.ts";
import { findDuplicate } from "./duplicate_members.ts";
import { rawMembers } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { parseShape, ShapeError } from "./shape_error.ts";

/** Whom a node is to trust, signed by a root that it has pinned. */
export interface TrustBundle {
  /** Counts up; a lower one is never taken. */
  readonly version: number;
  /** Base64 of 32 bytes each, Ed25519. */
  readonly roots: readonly string[];
  /** The same, current key first. */
  readonly signingKeys: readonly string[];
  /** Key ids as in snapshots: of roots and signing keys alike. */
  readonly revokedKeyIds: readonly string[];
  /** RFC 3339 text. */
  readonly issuedAt: string;
  /** Base64 of 64 bytes. */
  readonly signature: string;
  /** What the signature covers. */
  readonly signedText: string;
}

const texts = z.array(z.string().check(z.minLength(1)));

export const bundleSchema = z.object({
  version: z.int().check(z.positive()),
  roots: texts,
  signing_keys: texts,
  revoked_key_ids: texts,
  issued_at: z.string().check(z.refine((text) => !!parseRfc3339(text))),
  signature: z.string().check(z.minLength(1)),
});

/** Members that are signed, in the order in which they are. */
const SIGNED = [
  "version",
  "roots",
  "signing_keys",
  "revoked_key_ids",
  "issued_at",
] as const;

/**
 * The text that a bundle's signature covers.
 *
 * @see design, section 8 "Signed snapshots"
 */
export function trustBundleSignedText(
  bundle: Omit<TrustBundle, "signature" | "signedText">,
): string {
  return FIRST_LINE + JSON.stringify({
    version: bundle.version,
    roots: bundle.roots,
    signing_keys: bundle.signingKeys,
    revoked_key_ids: bundle.revokedKeyIds,
    issued_at: bundle.issuedAt,
  });
}

const FIRST_LINE = "plexd-trust-bundle-v1\n";

/**
 * Reads a trust bundle. What its signature covers is put together from the text
 * as it came, so that nothing is lost by reading and writing it again.
 *
 * @throws {ShapeError} for a wrong shape or a member that stands twice.
 */
export function parseTrustBundle(text: string): TrustBundle {
  const what = "trust bundle";
  const bundle = parseShape(what, bundleSchema, text);
  if (findDuplicate(text) !== undefined) {
    throw new ShapeError(`Invalid ${what}: a member stands twice`);
  }
  const raw = new Map(rawMembers(text));
  const signed = SIGNED.map((name) => `"${name}":${dropSpace(raw.get(name)!)}`);
  return {
    version: bundle.version,
    roots: bundle.roots,
    signingKeys: bundle.signing_keys,
    revokedKeyIds: bundle.revoked_key_ids,
    issuedAt: bundle.issued_at,
    signature: bundle.signature,
    signedText: `${FIRST_LINE}{${signed.join(",")}}`,
  };
}
