import * as z from "zod/mini";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the pointer, below the membership's folder. */
export const POINTER_FILE = "snapshots/active.json";

/** What is known of a stored snapshot without opening it. */
export interface SnapshotRef {
  readonly epoch: number;
  readonly version: number;
  /** Base64 of SHA-256 of its content. */
  readonly contentSha256: string;
  /** Ms since the Unix epoch. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When it was activated, ms since the Unix epoch. */
  readonly activatedAtMs: number;
  /** Of the key whose signature was checked; absent in older pointers. */
  readonly keyId?: string;
}

/** Which snapshot is in use, and which one was before it. */
export interface SnapshotPointer {
  readonly active: SnapshotRef;
  readonly previous?: SnapshotRef;
}

const counter = z.int().check(z.positive());
const refSchema = z.object({
  epoch: counter,
  version: counter,
  content_sha256: z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/)),
  issued_at_ms: z.int(),
  expires_at_ms: z.int(),
  activated_at_ms: z.int(),
  key_id: z.optional(z.string()),
});
const pointerSchema = z.object({
  format: z.literal(1),
  active: refSchema,
  previous: z.nullable(refSchema),
});

/** The bytes of the pointer's file. */
export function encodePointer(
  { active, previous }: SnapshotPointer,
): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    active: refMembers(active),
    previous: previous ? refMembers(previous) : null,
  })).bytes;
}

/** Reads the pointer; undefined unless every byte is as it was written. */
export function decodePointer(
  bytes: Uint8Array<ArrayBuffer>,
): SnapshotPointer | undefined {
  const checked = checkSum(bytes);
  if (!checked) return undefined;
  try {
    const { active, previous } = parseShape(
      "snapshot pointer",
      pointerSchema,
      checked.text,
    );
    return {
      active: refFrom(active),
      ...(previous ? { previous: refFrom(previous) } : {}),
    };
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}

function refMembers(ref: SnapshotRef): z.infer<typeof refSchema> {
  return {
    epoch: ref.epoch,
    version: ref.version,
    content_sha256: ref.contentSha256,
    issued_at_ms: ref.issuedAtMs,
    expires_at_ms: ref.expiresAtMs,
    activated_at_ms: ref.activatedAtMs,
    ...(ref.keyId === undefined ? {} : { key_id: ref.keyId }),
  };
}

function refFrom(members: z.infer<typeof refSchema>): SnapshotRef {
  return {
    epoch: members.epoch,
    version: members.version,
    contentSha256: members.content_sha256,
    issuedAtMs: members.issued_at_ms,
    expiresAtMs: members.expires_at_ms,
    activatedAtMs: members.activated_at_ms,
    ...(members.key_id === undefined ? {} : { keyId: members.key_id }),
  };
}
