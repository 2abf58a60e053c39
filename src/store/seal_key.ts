import { dirname } from "node:path";
import { describeError } from "../platform/log.ts";
import type { Random } from "../platform/random.ts";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { isMissing } from "./disk.ts";
import { SealKeyError } from "./store_errors.ts";
import { sha256 } from "./summed_json.ts";

const KEY_BYTES = 32;

/** Name of the systemd credential that holds the key. */
const CREDENTIAL = "plexd.seal";

/** The machine's key, under which secrets lie on disk. */
export interface SealKey {
  /** Tells keys apart without telling anything about them. */
  readonly id: string;
  readonly source: "credential" | "file";
  readonly key: CryptoKey;
}

/**
 * Asked for the key when a store is opened.
 *
 * @param sealed Whether the store holds sealed data: then no new key may be
 * made, since nothing would ever open that data again.
 */
export type SealKeySource = (
  sealed: { readonly exists: boolean },
) => Promise<SealKey>;

/** Options for {@linkcode loadSealKey}. */
export interface SealKeyOptions {
  /** Folder of systemd credentials. Its `plexd.seal` wins over the file. */
  readonly credentialsDir?: string;
  /** Path of the key file: base64 of 32 bytes. */
  readonly keyFile: string;
  /** Whether a missing key file may be made. Never over sealed data. */
  readonly create: boolean;
  readonly random: Random;
}

/**
 * Loads the key that seals this machine's secrets, or makes it.
 *
 * @throws {SealKeyError} kind "missing" when there is none and none may be
 * made, "create" when it cannot be made, "exposed" when others may read it,
 * "unreadable" when it is no key.
 * @see design, section 6 "Keys and trust"
 */
export async function loadSealKey(options: SealKeyOptions): Promise<SealKey> {
  const { credentialsDir, keyFile, create, random } = options;
  if (credentialsDir !== undefined) {
    const text = readText(`${credentialsDir}/${CREDENTIAL}`);
    if (text !== undefined) {
      return await usedOnce(bytesFrom(text, CREDENTIAL), "credential");
    }
  }
  let text = readPrivateText(keyFile);
  if (text === undefined) {
    if (!create) {
      throw new SealKeyError(
        "missing",
        `The key that opens this node's sealed data is missing: ${keyFile}. ` +
          "Put the file back; a new key could not open that data",
      );
    }
    createKeyFile(keyFile, random);
    text = readPrivateText(keyFile) ?? "";
  }
  return await usedOnce(bytesFrom(text, keyFile), "file");
}

/** From here on the runtime holds the key, which does not give it out again. */
async function usedOnce(
  bytes: Uint8Array<ArrayBuffer>,
  source: SealKey["source"],
): Promise<SealKey> {
  try {
    return await sealKeyFrom(bytes, source);
  } finally {
    bytes.fill(0);
  }
}

/** A seal key of the given 32 bytes. */
export async function sealKeyFrom(
  bytes: Uint8Array<ArrayBuffer>,
  source: SealKey["source"],
): Promise<SealKey> {
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  const key = await crypto.subtle.importKey(
    "raw",
    bytes,
    "AES-GCM",
    false,
    usages,
  );
  const id = sha256("plexd-seal-key-id\n" + encodeBase64(bytes)).slice(0, 16);
  return { id, source, key };
}

function readPrivateText(path: string): string | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const mode = Deno.statSync(path).mode ?? 0;
  if (mode & 0o077) {
    throw new SealKeyError(
      "exposed",
      `The key file ${path} may be read by others: make it mode 0600`,
    );
  }
  return text;
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new SealKeyError(
      "unreadable",
      `Cannot read the key ${path}: ${describeError(error)}`,
      error,
    );
  }
}

function bytesFrom(text: string, name: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text.trim());
  if (bytes?.length === KEY_BYTES) return bytes;
  throw new SealKeyError(
    "unreadable",
    `The key ${name} is not base64 of ${KEY_BYTES} bytes`,
  );
}

/**
 * Written whole under another name, then linked: a crash leaves no half key,
 * and of two processes that try this at once both end up with the same key.
 */
function createKeyFile(path: string, random: Random) {
  const folder = dirname(path);
  const temp = `${path}.${random.bytes(8).toHex()}`;
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const key = random.bytes(KEY_BYTES);
    const content = new TextEncoder().encode(encodeBase64(key) + "\n");
    key.fill(0);
    try {
      writeAndSync(temp, content);
      linkUnlessThere(temp, path);
    } finally {
      content.fill(0);
      Deno.removeSync(temp);
    }
    using parent = Deno.openSync(folder);
    parent.syncSync();
  } catch (error) {
    throw new SealKeyError(
      "create",
      `Cannot create the key file ${path}: ${describeError(error)}`,
      error,
    );
  }
}

function writeAndSync(path: string, bytes: Uint8Array) {
  const fresh = { write: true, createNew: true, mode: 0o600 };
  using file = Deno.openSync(path, fresh);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
}

function linkUnlessThere(from: string, to: string) {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
