import { sign } from "node:crypto";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { decodeBase64, encodeBase64 } from "../wire/base64.ts";
import { keyIdOf } from "../wire/key_id.ts";
import { parseShape } from "../wire/shape_error.ts";
import {
  parseTrustBundle,
  trustBundleSignedText,
} from "../wire/trust_bundle.ts";
import * as z from "zod/mini";
import { privateKeyFrom, publicKeyOf } from "./signing_key.ts";
import type { Rows, Storage } from "./storage/storage.ts";
import { SEALED, type Vault } from "./vault.ts";

/** What trust bundles are made with. */
export interface TrustServices {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly io: Platform;
}

/** The key pair that vouches for signing keys, and signs nothing but bundles. */
export interface TrustRoot {
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
  /** Base64 of the signature over a text. */
  sign(text: string): string;
}

const SEED_BYTES = 32;

/** Names of settings. */
const ROOT = "trust_root";
const BUNDLE = "trust_bundle";

const storedRootSchema = z.object({
  public_key: z.string(),
  sealed: z.string(),
});

/** Makes root and first bundle of a database that has none. */
export async function ensureTrustBundle(
  services: TrustServices,
): Promise<void> {
  const { storage, vault, io } = services;
  const known = await storage.read(async (rows) =>
    await rows.settings.get(ROOT)
  );
  if (known === undefined) {
    const seed = io.random.bytes(SEED_BYTES);
    const sealed = await vault.seal(SEALED.trustRoot, seed);
    const publicKey = publicKeyOf(privateKeyFrom(seed));
    seed.fill(0);
    await storage.write(async (rows) =>
      await rows.settings.set(
        ROOT,
        JSON.stringify({ public_key: publicKey, sealed: encodeBase64(sealed) }),
      )
    );
  }
  const root = await openTrustRoot(services);
  await storage.write(async (rows) => {
    const bundle = await rows.settings.get(BUNDLE);
    if (bundle === undefined) await renewTrustBundle(rows, root, {}, io);
  });
}

/** @throws {Error} when there is no root, or another vault sealed it. */
export async function openTrustRoot(
  { storage, vault }: TrustServices,
): Promise<TrustRoot> {
  const text = await storage.read(async (rows) =>
    await rows.settings.get(ROOT)
  );
  if (text === undefined) throw new Error("There is no trust root");
  const stored = parseShape("stored trust root", storedRootSchema, text);
  const sealed = decodeBase64(stored.sealed);
  if (!sealed) throw new Error("The stored trust root is damaged");
  const seed = await vault.unseal(SEALED.trustRoot, sealed);
  const key = privateKeyFrom(seed);
  seed.fill(0);
  return {
    publicKey: stored.public_key,
    sign(text) {
      const bytes = new TextEncoder().encode(text);
      return encodeBase64(new Uint8Array(sign(null, bytes, key)));
    },
  };
}

/**
 * Signs a bundle with the signing keys that hold now, in place of the one
 * before. What was revoked once stays so.
 *
 * @param options.revoked Public keys that nobody may believe any more.
 * @param options.atLeast Lowest version that it gets.
 */
export async function renewTrustBundle(
  rows: Rows,
  root: TrustRoot,
  options: {
    readonly revoked?: readonly string[];
    readonly atLeast?: number;
  },
  { clock }: Pick<Platform, "clock">,
): Promise<void> {
  const { revoked = [], atLeast = 1 } = options;
  const text = await rows.settings.get(BUNDLE);
  const before = text === undefined ? undefined : parseTrustBundle(text);
  const current = await rows.signingKeys.current();
  if (!current) throw new Error("There is no signing key");
  const previous = await rows.signingKeys.previous();
  const running = (previous?.transitionExpiresMs ?? 0) > clock.now();
  const unsigned = {
    version: Math.max((before?.version ?? 0) + 1, atLeast),
    roots: [root.publicKey],
    signingKeys: [
      current.publicKey,
      ...(previous && running ? [previous.publicKey] : []),
    ],
    revokedKeyIds: [
      ...before?.revokedKeyIds ?? [],
      ...revoked.map((key) => keyIdOf(decodeBase64(key)!)),
    ],
    issuedAt: isoTime(clock.now()),
  };
  const signedText = trustBundleSignedText(unsigned);
  const members = signedText.slice(signedText.indexOf("\n") + 1, -1);
  const signature = JSON.stringify(root.sign(signedText));
  await rows.settings.set(BUNDLE, `${members},"signature":${signature}}`);
}

/** The bundle in force, as it travels. */
export async function trustBundleText(rows: Rows): Promise<string> {
  const text = await rows.settings.get(BUNDLE);
  if (text === undefined) throw new Error("There is no trust bundle");
  return text;
}

/** The root that nodes are to pin. */
export async function trustRootKey(rows: Rows): Promise<string> {
  const text = await rows.settings.get(ROOT);
  if (text === undefined) throw new Error("There is no trust root");
  return parseShape("stored trust root", storedRootSchema, text).public_key;
}
