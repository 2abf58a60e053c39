import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { ProblemError } from "./http/problem.ts";

const PUBLIC_KEY_BYTES = 32;

/**
 * The public key of a node in its one form, since repetitions are told by it.
 *
 * @throws {ProblemError} 400 "public_key_invalid"
 */
export function canonicalKey(text: string): string {
  const bytes = decodeBase64(text);
  if (bytes?.length === PUBLIC_KEY_BYTES) return encodeBase64(bytes);
  throw new ProblemError(400, "public_key_invalid", {
    detail: `The public key is not base64 of ${PUBLIC_KEY_BYTES} bytes`,
  });
}
