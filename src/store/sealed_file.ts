import * as z from "zod/mini";
import type { Random } from "../platform/random.ts";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import type { SealKey } from "./seal_key.ts";
import { SealKeyError } from "./store_errors.ts";

const FORMAT = 1;

/** What a sealed file is for. A file of one role does not open as another. */
export type SealedRole =
  | "private_key"
  | "node_secret_key"
  | "pending_private_key"
  | "credentials"
  | "snapshot"
  | "granted"
  | "request_token";

/** Where a secret belongs; part of what its seal proves. */
export interface SealedPlace {
  readonly cluster: string;
  readonly role: SealedRole;
}

/** A sealed file is damaged, or belongs somewhere else. */
export class DamagedSealError extends Error {
  override readonly name = "DamagedSealError";
}

const sealedSchema = z.object({
  format: z.literal(FORMAT),
  role: z.string(),
  key_id: z.string(),
  source: z.enum(["credential", "file"]),
  nonce: z.string(),
  ciphertext: z.string(),
});
type SealedHeader = Omit<
  z.infer<typeof sealedSchema>,
  "nonce" | "ciphertext"
>;

/**
 * Encrypts a secret with AES-256-GCM into the bytes of its file. Whoever has
 * the secret wipes it.
 */
export async function seal(
  key: SealKey,
  place: SealedPlace,
  secret: Uint8Array<ArrayBuffer>,
  random: Random,
): Promise<Uint8Array<ArrayBuffer>> {
  const header: SealedHeader = {
    format: FORMAT,
    role: place.role,
    key_id: key.id,
    source: key.source,
  };
  const nonce = random.bytes(12);
  const ciphertext = await crypto.subtle.encrypt(
    gcm(nonce, place, header),
    key.key,
    secret,
  );
  return fileOf({
    ...header,
    nonce: encodeBase64(nonce),
    ciphertext: encodeBase64(new Uint8Array(ciphertext)),
  });
}

/**
 * Decrypts the bytes of a sealed file. Whoever asks wipes the secret when it has
 * been used.
 *
 * @throws {DamagedSealError} unless every byte is as it was written, for this
 * cluster and role.
 * @throws {SealKeyError} kind "wrong_key" when another key sealed it.
 */
export async function unseal(
  key: SealKey,
  place: SealedPlace,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { nonce, ciphertext, ...header } = parse(bytes);
  if (header.key_id !== key.id) {
    throw new SealKeyError(
      "wrong_key",
      `This node's data is sealed with key ${header.key_id} (source: ` +
        `${header.source}), but the key at hand is ${key.id} (source: ` +
        `${key.source}). Put the former back`,
    );
  }
  try {
    const secret = await crypto.subtle.decrypt(
      gcm(nonce, place, header),
      key.key,
      ciphertext,
    );
    return new Uint8Array(secret);
  } catch {
    throw new DamagedSealError("it does not open with the key that sealed it");
  }
}

/**
 * {@linkcode seal} for text. Its bytes are wiped; the text itself cannot be, as
 * strings are the runtime's alone.
 */
export async function sealText(
  key: SealKey,
  place: SealedPlace,
  text: string,
  random: Random,
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = new TextEncoder().encode(text);
  try {
    return await seal(key, place, secret, random);
  } finally {
    secret.fill(0);
  }
}

/** {@linkcode unseal} for text, with the bytes wiped as {@linkcode sealText}. */
export async function unsealText(
  key: SealKey,
  place: SealedPlace,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const secret = await unseal(key, place, bytes);
  try {
    return new TextDecoder().decode(secret);
  } finally {
    secret.fill(0);
  }
}

/** Which key sealed a file; undefined when it is no sealed file. */
export function sealKeyIdOf(bytes: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return z.safeParse(sealedSchema, value).data?.key_id;
  } catch {
    return undefined;
  }
}

function gcm(
  iv: Uint8Array<ArrayBuffer>,
  place: SealedPlace,
  header: SealedHeader,
): AesGcmParams {
  const bound = ["plexd-seal", place.cluster, place.role, header];
  const additionalData = new TextEncoder().encode(JSON.stringify(bound));
  return { name: "AES-GCM", iv, additionalData, tagLength: 128 };
}

function parse(bytes: Uint8Array<ArrayBuffer>) {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new DamagedSealError("it is not JSON");
  }
  const parsed = z.safeParse(sealedSchema, value);
  if (!parsed.success) throw new DamagedSealError("it lacks parts of a seal");
  const nonce = decodeBase64(parsed.data.nonce);
  const ciphertext = decodeBase64(parsed.data.ciphertext);
  // Written anew it must be the same, so that no byte is without meaning.
  if (
    !nonce || !ciphertext || !sameBytes(fileOf(parsed.data), bytes)
  ) {
    throw new DamagedSealError("it is not as it was written");
  }
  const { format, role, key_id, source } = parsed.data;
  return { format, role, key_id, source, nonce, ciphertext };
}

function fileOf(
  content: z.infer<typeof sealedSchema>,
): Uint8Array<ArrayBuffer> {
  const { format, role, key_id, source, nonce, ciphertext } = content;
  const ordered = { format, role, key_id, source, nonce, ciphertext };
  return new TextEncoder().encode(JSON.stringify(ordered) + "\n");
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
