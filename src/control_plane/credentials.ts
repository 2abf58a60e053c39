import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../platform/random.ts";

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

/** Whether a hash is among others, in a time that tells nothing about them. */
export function isAmong(
  hash: Uint8Array,
  others: readonly Uint8Array[],
): boolean {
  let found = false;
  for (const other of others) found = timingSafeEqual(hash, other) || found;
  return found;
}

/** The bearer of a request; undefined when it shows none. */
export function bearerOf(request: Request): string | undefined {
  const header = request.headers.get("authorization") ?? "";
  return /^Bearer +([^\s]+)$/i.exec(header)?.[1];
}
