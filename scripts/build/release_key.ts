import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { BuildError } from "./build_error.ts";

/** The key that signs releases. */
export interface ReleaseKey {
  /** The public half as its PEM file has it, on one line. */
  readonly publicKey: string;
  /** @returns the 64 bytes of the Ed25519 signature. */
  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}

/**
 * Makes a key pair: `release.key`, for its owner alone, and `release-key.pem`.
 *
 * @throws {BuildError} when there is one already.
 */
export async function makeKey(folder: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await Deno.writeTextFile(
      `${folder}/release.key`,
      privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      { createNew: true, mode: 0o600 },
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new BuildError(
      `${folder}/release.key is there already`,
      "name another folder: a key that has signed releases is still needed",
    );
  }
  await Deno.writeTextFile(
    `${folder}/release-key.pem`,
    publicKey.export({ type: "spki", format: "pem" }).toString(),
  );
}

/** @throws {BuildError} for what is no Ed25519 key that only its owner reads. */
export async function readKey(path: string): Promise<ReleaseKey> {
  let key: KeyObject;
  try {
    const { mode } = await Deno.stat(path);
    if (((mode ?? 0) & 0o077) !== 0) {
      throw new BuildError(
        `The release key ${path} is open to others`,
        `run: chmod 600 ${path}`,
      );
    }
    key = createPrivateKey(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw new BuildError(
      `The release key ${path} cannot be read`,
      "it has to be the PEM file of an Ed25519 key: deno task release --new-key DIR",
      error,
    );
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new BuildError(
      `The release key ${path} is not an Ed25519 key`,
      "make one: deno task release --new-key DIR",
    );
  }
  const spki = createPublicKey(
    key.export({ type: "pkcs8", format: "pem" }).toString(),
  ).export({ type: "spki", format: "der" });
  return {
    publicKey: spki.toString("base64"),
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  };
}
