import { decodeBase64 } from "./base64.ts";
import { ShapeError } from "./shape_error.ts";

/** AES-256. */
const KEY_BYTES = 32;

/**
 * The AES key in a node secret key: a text of exactly 32 bytes is the key
 * itself, any other one must be base64 of 32 bytes. The two cannot be confused,
 * as 32 characters of base64 hold 24 bytes at most.
 *
 * @throws {ShapeError} when the text is neither; it does not quote the text.
 * @see docs/wire.md, section d.1, third rule
 */
export function nodeSecretToKey(text: string): Uint8Array<ArrayBuffer> {
  const asIs = new TextEncoder().encode(text);
  if (asIs.length === KEY_BYTES) return asIs;
  const decoded = decodeBase64(text.trim());
  if (decoded?.length === KEY_BYTES) return decoded;
  throw new ShapeError(
    `Invalid node secret key: neither ${KEY_BYTES} bytes nor base64 of them`,
  );
}
