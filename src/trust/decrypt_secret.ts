import { decodeBase64 } from "../wire/base64.ts";
import type { SecretResponse } from "../wire/bodies.ts";

/**
 * A secret could not be decrypted. There is one message for every reason, as a
 * caller that learns the reason could probe for the plaintext.
 */
export class DecryptError extends Error {
  override readonly name = "DecryptError";

  constructor() {
    super("Cannot decrypt the secret");
  }
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** As text that is JSON: bytes that are no UTF-8 become U+FFFD, a BOM stays. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decrypts a secret with the node's AES-256 key: a nonce of 12 bytes, the tag of
 * 16 bytes after the ciphertext, no additional data.
 *
 * @throws {DecryptError} whatever is wrong with key or answer.
 * @see docs/wire.md, section d.2
 */
export async function decryptSecret(
  key: Uint8Array,
  response: SecretResponse,
): Promise<string> {
  const nonce = decodeBase64(response.nonce);
  const ciphertext = decodeBase64(response.ciphertext);
  if (
    key.length !== 32 || nonce?.length !== NONCE_BYTES || !ciphertext ||
    ciphertext.length < TAG_BYTES
  ) {
    throw new DecryptError();
  }
  const keyCopy = new Uint8Array(key);
  let plaintext: Uint8Array | undefined;
  try {
    const aes = await crypto.subtle.importKey(
      "raw",
      keyCopy,
      "AES-GCM",
      false,
      ["decrypt"],
    );
    const algorithm = { name: "AES-GCM", iv: nonce, tagLength: TAG_BYTES * 8 };
    plaintext = new Uint8Array(
      await crypto.subtle.decrypt(algorithm, aes, ciphertext),
    );
    return utf8.decode(plaintext);
  } catch {
    throw new DecryptError();
  } finally {
    // The text that is given out cannot be wiped; these can.
    keyCopy.fill(0);
    plaintext?.fill(0);
  }
}
