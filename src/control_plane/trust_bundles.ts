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
import { type Rows, type Storage, StorageError } from "./storage/storage.ts";
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
/** The root that is to take over; empty, or not there, while none is. */
const NEXT_ROOT = "trust_root_next";
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
    const text = await newRootText(vault, io);
    await storage.write(async (rows) => await rows.settings.set(ROOT, text));
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
  return await rootFrom(text, vault);
}

/**
 * Begins to replace the trust root: from now on bundles name the next one, too,
 * still signed by the present one, so that nodes pin both. While that goes on,
 * it changes nothing.
 */
export async function beginRootRotation(
  services: TrustServices,
  alongside: (rows: Rows) => Promise<void>,
): Promise<void> {
  const { storage, vault, io } = services;
  const root = await openTrustRoot(services);
  const next = await newRootText(vault, io);
  await storage.write(async (rows) => {
    if (await rows.settings.get(NEXT_ROOT)) return;
    await rows.settings.set(NEXT_ROOT, next);
    await renewTrustBundle(rows, root, {}, io);
    await alongside(rows);
  });
}

/**
 * Ends the replacement: the next root signs, alone, and the former one is
 * revoked. A node that has had no bundle in between has to join anew.
 *
 * @returns whether there was anything to end.
 */
export async function finishRootRotation(
  { storage, vault, io }: TrustServices,
  alongside: (rows: Rows) => Promise<void>,
): Promise<boolean> {
  const text = await storage.read(async (rows) =>
    await rows.settings.get(NEXT_ROOT)
  );
  if (!text) return false;
  const root = await rootFrom(text, vault);
  return await storage.write(async (rows) => {
    // Somebody else may have been faster.
    if (await rows.settings.get(NEXT_ROOT) !== text) return false;
    const former = await trustRootKey(rows);
    await rows.settings.set(ROOT, text);
    await rows.settings.set(NEXT_ROOT, "");
    await renewTrustBundle(rows, root, { revoked: [former] }, io);
    await alongside(rows);
    return true;
  });
}

async function newRootText(
  vault: Vault,
  io: Pick<Platform, "random">,
): Promise<string> {
  const seed = io.random.bytes(SEED_BYTES);
  const sealed = await vault.seal(SEALED.trustRoot, seed);
  const publicKey = publicKeyOf(privateKeyFrom(seed));
  seed.fill(0);
  return JSON.stringify({
    public_key: publicKey,
    sealed: encodeBase64(sealed),
  });
}

async function rootFrom(text: string, vault: Vault): Promise<TrustRoot> {
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
 * @throws {StorageError} kind "busy" when another root has taken over since this
 * one was opened: nodes would refuse what it signs.
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
  if (root.publicKey !== await trustRootKey(rows)) {
    throw new StorageError("busy", "Another trust root has just taken over");
  }
  const text = await rows.settings.get(BUNDLE);
  const before = text === undefined ? undefined : parseTrustBundle(text);
  const current = await rows.signingKeys.current();
  if (!current) throw new Error("There is no signing key");
  const previous = await rows.signingKeys.previous();
  const next = await rows.settings.get(NEXT_ROOT);
  const running = (previous?.transitionExpiresMs ?? 0) > clock.now();
  const unsigned = {
    version: Math.max((before?.version ?? 0) + 1, atLeast),
    roots: [root.publicKey, ...next ? [publicKeyIn(next)] : []],
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
  return publicKeyIn(text);
}

function publicKeyIn(text: string): string {
  return parseShape("stored trust root", storedRootSchema, text).public_key;
}
