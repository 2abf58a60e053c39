import { createHash } from "node:crypto";
import * as z from "zod/mini";
import type { Dialect } from "./dialect.ts";
import { findDuplicate } from "./duplicate_members.ts";
import { rawMember } from "./raw_json.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { parseShape, ShapeError } from "./shape_error.ts";
import type { StatePosition } from "./state.ts";

/** Media type of a signed snapshot. */
export const SNAPSHOT_MEDIA_TYPE = "application/vnd.plexd.snapshot+json";

/** What a snapshot's signature covers; the content by its hash. */
export interface SnapshotHeader extends StatePosition {
  /** `node:<id>`. */
  readonly scope: string;
  readonly dialect: Dialect;
  /** RFC 3339 text. */
  readonly issuedAt: string;
  readonly expiresAt: string;
  /** Base64url of the first 16 bytes of SHA-256 of the public key. */
  readonly keyId: string;
  /** Base64 of SHA-256 of the content's bytes. */
  readonly contentSha256: string;
}

/** A signed state of one node, before anything about it is trusted. */
export interface SignedSnapshot extends SnapshotHeader {
  /** The state document, byte for byte. */
  readonly content: string;
  /** Base64 of 64 bytes. */
  readonly signature: string;
}

const counter = z.int().check(z.positive());
const nonEmpty = z.string().check(z.minLength(1));
const time = nonEmpty.check(z.refine((text) => !!parseRfc3339(text)));

export const snapshotSchema = z.object({
  scope: nonEmpty,
  epoch: counter,
  version: counter,
  dialect: z.union([z.literal(1), z.literal(2)]),
  issued_at: time,
  expires_at: time,
  key_id: nonEmpty,
  content_sha256: nonEmpty,
  content: z.record(z.string(), z.unknown()),
  signature: nonEmpty,
});

/** Characters that an error shows of a place, which has as many as it is deep. */
const MAX_SHOWN_PLACE = 200;

/** Values that are opaque to everyone between the one who wrote and who reads. */
function isOpaque(place: string): boolean {
  return place === "content.data.*.payload" ||
    place === "content.executions.*.parameters";
}

/**
 * The text that a snapshot's signature covers.
 *
 * @see design, section 8 "Signed snapshots"
 */
export function snapshotSignedText(header: SnapshotHeader): string {
  return "plexd-snapshot-v1\n" + JSON.stringify(headerMembers(header));
}

/** The snapshot as it travels and is kept. */
export function encodeSnapshot(snapshot: SignedSnapshot): string {
  const head = JSON.stringify(headerMembers(snapshot)).slice(0, -1);
  const { content, signature } = snapshot;
  return `${head},"content":${content}` +
    `,"signature":${JSON.stringify(signature)}}`;
}

/** Base64 of the SHA-256 of a content's bytes. */
export function contentHash(content: string): string {
  return createHash("sha256").update(content).digest("base64");
}

/**
 * Reads a signed snapshot. Its content is the exact slice that the hash is to
 * cover.
 *
 * @throws {ShapeError} for a wrong shape, or a member that stands twice anywhere
 * but in an opaque value.
 */
export function parseSignedSnapshot(text: string): SignedSnapshot {
  const what = "signed snapshot";
  const snapshot = parseShape(what, snapshotSchema, text);
  const twice = findDuplicate(text, isOpaque);
  if (twice !== undefined) {
    const place = twice.slice(0, MAX_SHOWN_PLACE);
    throw new ShapeError(`Invalid ${what}: a member stands twice in ${place}`);
  }
  const content = rawMember(text, "content")!;
  return {
    scope: snapshot.scope,
    epoch: snapshot.epoch,
    version: snapshot.version,
    dialect: snapshot.dialect,
    issuedAt: snapshot.issued_at,
    expiresAt: snapshot.expires_at,
    keyId: snapshot.key_id,
    contentSha256: snapshot.content_sha256,
    content,
    signature: snapshot.signature,
  };
}

function headerMembers(header: SnapshotHeader) {
  return {
    scope: header.scope,
    epoch: header.epoch,
    version: header.version,
    dialect: header.dialect,
    issued_at: header.issuedAt,
    expires_at: header.expiresAt,
    key_id: header.keyId,
    content_sha256: header.contentSha256,
  };
}
