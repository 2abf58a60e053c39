import { createHash } from "node:crypto";
import type { Random } from "../platform/random.ts";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import { ControlPlaneStartError } from "./start_error.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** First byte of everything sealed: what the rest means. */
const FORMAT = 1;

/**
 * Seals what must not lie in the database in the clear, with AES-256-GCM under
 * the master key.
 *
 * `role` says what is sealed and for whom. It is bound to the sealed bytes, so
 * that they open nowhere else.
 */
export class Vault {
  readonly #key: CryptoKey;
  readonly #random: Random;

  private constructor(readonly keyId: string, key: CryptoKey, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  /**
   * Opens the vault with the key in `path`, which is made when `mayCreate`.
   *
   * @throws {ControlPlaneStartError} kind "master_key" when the key is missing,
   * readable by others or no key.
   */
  static async open(
    path: string,
    mayCreate: boolean,
    random: Random,
  ): Promise<Vault> {
    const bytes = loadKey(path, mayCreate, random);
    const keyId = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [
      "encrypt",
      "decrypt",
    ]);
    return new Vault(keyId, key, random);
  }

  async seal(
    role: string,
    plain: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: nonce, additionalData: boundTo(role) },
      this.#key,
      plain,
    );
    const bytes = new Uint8Array(1 + NONCE_BYTES + sealed.byteLength);
    bytes[0] = FORMAT;
    bytes.set(nonce, 1);
    bytes.set(new Uint8Array(sealed), 1 + NONCE_BYTES);
    return bytes;
  }

  /** @throws {Error} when the bytes were not sealed here for this role. */
  async unseal(
    role: string,
    sealed: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(sealed);
    try {
      if (bytes[0] !== FORMAT) throw new Error("unknown format");
      return new Uint8Array(
        await crypto.subtle.decrypt(
          {
            name: "AES-GCM",
            iv: bytes.subarray(1, 1 + NONCE_BYTES),
            additionalData: boundTo(role),
          },
          this.#key,
          bytes.subarray(1 + NONCE_BYTES),
        ),
      );
    } catch (cause) {
      throw new Error(`Cannot unseal "${role}"`, { cause });
    }
  }
}

/** What things are sealed as. */
export const SEALED = {
  nodeKey: (nodeId: string) => `node-key:${nodeId}`,
  secret: (nodeId: string, key: string) => `secret:${nodeId}:${key}`,
  signingKey: (id: string) => `signing-key:${id}`,
  trustRoot: "trust-root",
  messageBus: "message-bus",
} as const;

function boundTo(role: string) {
  return new TextEncoder().encode(`plexd-control-plane-v1\n${role}`);
}

function loadKey(
  path: string,
  mayCreate: boolean,
  random: Random,
): Uint8Array<ArrayBuffer> {
  try {
    const text = readPrivateFile(path);
    if (text !== undefined) {
      const bytes = decodeBase64(text);
      if (bytes?.length === KEY_BYTES) return bytes;
      throw new Error(`${path} is not base64 of ${KEY_BYTES} bytes`);
    }
    if (!mayCreate) {
      throw new Error(
        `${path} is missing: put it back, since a new key could not open ` +
          "what is sealed in the database",
      );
    }
    const bytes = random.bytes(KEY_BYTES);
    writePrivateFile(path, encodeBase64(bytes) + "\n");
    return bytes;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ControlPlaneStartError(
      "master_key",
      `The master key cannot be used: ${why}`,
      cause,
    );
  }
}
