import * as z from "zod/mini";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { type DataEntry, parseDataEntries } from "../wire/data_entry.ts";
import type { Dialect } from "../wire/dialect.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import type { SecretRef } from "../wire/state.ts";
import { isMissing, readIfThere, systemDisk } from "./disk.ts";

/** What the Go agent has left in its data folder. */
export interface GoFolder {
  readonly nodeId: string;
  readonly meshIp: string;
  /** Base64 of 32 bytes, X25519. */
  readonly publicKey: string;
  /** 32 bytes, X25519. */
  readonly privateKey: Uint8Array;
  readonly nodeSecretKey: string;
  /** Base64, Ed25519. */
  readonly signingPublicKey: string;
  /** Dialect 2 only. */
  readonly signingKeyId?: string;
  /** The one that it spoke, as far as its files tell. */
  readonly dialect: Dialect;
  /** When its identity was written, ms since the Unix epoch. */
  readonly writtenAtMs: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly secretRefs: readonly SecretRef[];
  readonly data: readonly DataEntry[];
  readonly reports: readonly DataEntry[];
}

/** A file of the Go agent is not as that agent would have left it. */
export class GoFolderError extends Error {
  override readonly name = "GoFolderError";

  constructor(dataDir: string, file: string, why: string) {
    super(
      `The data of the former agent in ${dataDir} cannot be taken over: ` +
        `${file}: ${why}. Put the file right, or move ` +
        `${dataDir}/identity.json away and join anew`,
    );
  }
}

const identitySchema = z.object({
  node_id: z.string().check(z.regex(/\S/)),
  mesh_ip: z.string().check(z.regex(/\S/)),
  signing_public_key: z.optional(z.string()),
  signing_key_id: z.optional(z.string()),
});
const metadataSchema = z.nullable(z.record(z.string(), z.string()));
const secretsSchema = z.nullable(
  z.array(z.object({ key: z.string(), version: z.number() })),
);

/** X25519 private key in DER form, up to its 32 bytes. @see RFC 8410 */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b656e04220420");
/** Length of an Ed25519 public key: plain, or in DER form. */
const SIGNING_KEY_BYTES = [32, 44];

/**
 * Reads the data folder of the Go agent, and changes nothing in it.
 *
 * @returns undefined when there is none.
 * @throws {GoFolderError} when a file of it is missing or damaged.
 * @see docs/wire.md, sections c.4 and f.9
 */
export async function readGoFolder(
  dataDir: string,
): Promise<GoFolder | undefined> {
  if (!readIfThere(systemDisk, `${dataDir}/identity.json`)) return undefined;
  return await new Reading(dataDir).folder();
}

class Reading {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  async folder(): Promise<GoFolder> {
    const identity = this.#parsed(
      "identity.json",
      (text) => parseShape("identity", identitySchema, text),
    );
    const { signing_key_id: signingKeyId } = identity;
    const privateKey = this.#privateKey();
    const { mtime } = Deno.statSync(`${this.#dataDir}/identity.json`);
    return {
      nodeId: identity.node_id.trim(),
      meshIp: identity.mesh_ip.trim(),
      privateKey,
      publicKey: await publicKeyOf(privateKey),
      nodeSecretKey: this.#text("node_secret_key"),
      signingPublicKey: this.#signingKey(identity.signing_public_key),
      ...(signingKeyId ? { signingKeyId } : {}),
      dialect: signingKeyId ? 2 : 1,
      writtenAtMs: mtime?.getTime() ?? 0,
      metadata: this.#metadata(),
      secretRefs: this.#secretRefs(),
      data: this.#entries("state/data"),
      reports: this.#entries("state/report"),
    };
  }

  #privateKey(): Uint8Array {
    const bytes = decodeBase64(this.#text("private_key"));
    if (bytes?.length === 32) return bytes;
    throw this.#error("private_key", "it is not base64 of 32 bytes");
  }

  /** The file wins over the copy beside the identity. */
  #signingKey(copy: string | undefined): string {
    const file = "signing_public_key";
    const own = this.#textIfThere(file) ?? copy?.trim() ?? "";
    const length = decodeBase64(own)?.length ?? 0;
    if (SIGNING_KEY_BYTES.includes(length)) return own;
    throw this.#error(file, "it is missing, or no base64 of an Ed25519 key");
  }

  #metadata(): ReadonlyMap<string, string> {
    const file = "state/metadata.json";
    if (this.#textIfThere(file) === undefined) return new Map();
    const metadata = this.#parsed(
      file,
      (text) => parseShape("metadata", metadataSchema, text),
    );
    return new Map(Object.entries(metadata ?? {}));
  }

  #secretRefs(): readonly SecretRef[] {
    const file = "state/secrets.json";
    if (this.#textIfThere(file) === undefined) return [];
    return this.#parsed(
      file,
      (text) => parseShape("secret index", secretsSchema, text),
    ) ?? [];
  }

  #entries(folder: string): readonly DataEntry[] {
    return namesIn(`${this.#dataDir}/${folder}`)
      .map((name) => `${folder}/${name}`)
      .flatMap((file) =>
        this.#parsed(file, (text) => parseDataEntries("entry", `[${text}]`))
      );
  }

  #parsed<Value>(file: string, parse: (text: string) => Value): Value {
    const text = this.#text(file);
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw this.#error(file, error.message);
    }
  }

  /** What is around the text does not count. */
  #text(file: string): string {
    const text = this.#textIfThere(file);
    if (text) return text;
    throw this.#error(
      file,
      text === undefined ? "it is missing" : "it is empty",
    );
  }

  #textIfThere(file: string): string | undefined {
    const bytes = readIfThere(systemDisk, `${this.#dataDir}/${file}`);
    return bytes && new TextDecoder().decode(bytes).trim();
  }

  #error(file: string, why: string): GoFolderError {
    return new GoFolderError(this.#dataDir, file, why);
  }
}

/** Names of entry files; the Go agent's left-over ones start with a dot. */
function namesIn(folder: string): string[] {
  try {
    return systemDisk.list(folder).filter(({ isFile }) => isFile)
      .map(({ name }) => name)
      .filter((name) => name.endsWith(".json") && !name.startsWith("."))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The public key is the base point times the private one. @see RFC 7748 */
async function publicKeyOf(privateKey: Uint8Array): Promise<string> {
  const name = "X25519";
  const der = new Uint8Array([...PKCS8_PREFIX, ...privateKey]);
  const own = await crypto.subtle.importKey("pkcs8", der, name, false, [
    "deriveBits",
  ]);
  der.fill(0);
  const point = Uint8Array.of(9, ...new Uint8Array(31));
  const base = await crypto.subtle.importKey("raw", point, name, false, []);
  const bits = await crypto.subtle.deriveBits({ name, public: base }, own, 256);
  return encodeBase64(new Uint8Array(bits));
}
