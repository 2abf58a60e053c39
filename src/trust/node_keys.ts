import { encodeBase64 } from "../wire/base64.ts";

/** The key pair of a node's mesh identity. */
export interface NodeKeyPair {
  /** X25519 private key, 32 bytes, clamped. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Base64 of the 32 bytes of the public key. */
  readonly publicKey: string;
}

const KEY_BYTES = 32;

/** Makes a new X25519 key pair. @see RFC 7748, section 5 */
export async function createNodeKeyPair(): Promise<NodeKeyPair> {
  const pair = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]);
  if (!("privateKey" in pair)) {
    throw new TypeError("X25519 gave no key pair");
  }
  const [pkcs8, publicKey] = await Promise.all([
    crypto.subtle.exportKey("pkcs8", pair.privateKey),
    crypto.subtle.exportKey("raw", pair.publicKey),
  ]);
  // The private key is the tail of its DER form. @see RFC 8410, section 7
  const privateKey = new Uint8Array(pkcs8.slice(-KEY_BYTES));
  new Uint8Array(pkcs8).fill(0);
  // Clamping changes no result, and readers of the file expect it done.
  privateKey[0] = privateKey[0]! & 0xf8;
  privateKey[31] = (privateKey[31]! & 0x7f) | 0x40;
  return { privateKey, publicKey: encodeBase64(new Uint8Array(publicKey)) };
}
