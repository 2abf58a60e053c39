import { createHash, timingSafeEqual } from "node:crypto";
import { type Random, uuidText } from "../platform/random.ts";
import { encodeBase64 } from "../wire/base64.ts";
import type { Dialect } from "../wire/dialect.ts";

/** 256 bits cannot be guessed, so a plain hash at rest is enough. */
const TOKEN_BYTES = 32;

/** A new token of printable ASCII; the prefix tells people what it is for. */
export function newToken(prefix: string, random: Random): string {
  const text = random.bytes(TOKEN_BYTES).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  return `${prefix}_${text}`;
}

/** What is kept of a token or bearer. */
export function hashOf(token: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(token).digest());
}

/** Whether two hashes are the same, in a time that tells nothing about them. */
export function isSame(one: Uint8Array, two: Uint8Array): boolean {
  return timingSafeEqual(one, two);
}

/** The bearer of a request; undefined when it shows none. */
export function bearerOf(request: Request): string | undefined {
  const header = request.headers.get("authorization") ?? "";
  return /^Bearer +([^\s]+)$/i.exec(header)?.[1];
}

/** What a node shows to prove that it is one. */
export interface NodeBearer {
  readonly dialect: Dialect;
  /** As it was given at registration. */
  readonly nodeSecretKey: string;
  /** Dialect 2 only: who it says it is. */
  readonly nodeId?: string;
}

/** The 16 bytes of a node id, then its key. */
const NSK = /^nsk_[^_]+_([A-Za-z0-9_-]{64})$/;

/**
 * Reads the bearer of a node: in dialect 1 its key as it was given, in dialect 2
 * an envelope around its id and the bytes of its key. A broken envelope is
 * taken for a key, which no node has.
 *
 * @see docs/wire.md, section h.2
 */
export function nodeBearer(text: string): NodeBearer {
  if (!text.startsWith("nsk_")) return { dialect: 1, nodeSecretKey: text };
  const [, coded] = NSK.exec(text) ?? [];
  if (coded === undefined) return { dialect: 2, nodeSecretKey: text };
  const bytes = Uint8Array.fromBase64(coded, { alphabet: "base64url" });
  const nodeId = uuidText(bytes.subarray(0, 16));
  const nodeSecretKey = encodeBase64(bytes.subarray(16));
  return { dialect: 2, nodeSecretKey, nodeId };
}
