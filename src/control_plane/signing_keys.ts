import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { uuidV7 } from "../platform/random.ts";
import { decodeBase64 } from "../wire/base64.ts";
import { keyIdOf } from "../wire/key_id.ts";
import { parseTrustBundle } from "../wire/trust_bundle.ts";
import type { Changes, Emit } from "./changes.ts";
import { privateKeyFrom, publicKeyOf } from "./signing_key.ts";
import type { Rows, Storage } from "./storage/storage.ts";
import {
  openTrustRoot,
  renewTrustBundle,
  trustBundleText,
} from "./trust_bundles.ts";
import { SEALED, type Vault } from "./vault.ts";

const SEED_BYTES = 32;

/** What the signing keys work on. */
export interface SigningKeyServices {
  readonly storage: Storage;
  readonly changes: Changes;
  readonly vault: Vault;
  readonly io: Platform;
}

/** Announced signing keys, as the wire carries them. */
export interface AnnouncedKeys {
  readonly current: string;
  readonly previous?: string;
  readonly transition_expires?: string;
}

/**
 * What a signing key is called on the wire.
 *
 * @param publicKey Base64 of its 32 bytes.
 */
export function signingKeyId(publicKey: string): string {
  return keyIdOf(decodeBase64(publicKey)!);
}

/** Makes the first signing key of a new database. */
export async function ensureSigningKey(
  services: Omit<SigningKeyServices, "changes">,
): Promise<void> {
  const { storage } = services;
  const current = await storage.read(async (rows) =>
    await rows.signingKeys.current()
  );
  if (current) return;
  const key = await newKey(services);
  await storage.write(async (rows) => await rows.signingKeys.add(key));
}

/**
 * Puts a new signing key in place of the current one. Nodes hear of it by an
 * event signed with the key that retires, and accept that one for
 * `transitionMs` more. One that ends at once is revoked: it is taken for stolen.
 */
export async function rotateSigningKey(
  services: SigningKeyServices,
  transitionMs: number,
  alongside: (rows: Rows) => Promise<void>,
): Promise<AnnouncedKeys> {
  const announced = await replaceCurrent(services, transitionMs, alongside);
  if (!announced) throw new Error("There is no signing key to retire");
  return announced;
}

/**
 * @param onlyId Of the key that is to be replaced. @default {any}
 * @returns undefined when the current key is another one, or there is none.
 */
async function replaceCurrent(
  services: SigningKeyServices,
  transitionMs: number,
  alongside: (rows: Rows) => Promise<void>,
  onlyId?: string,
): Promise<AnnouncedKeys | undefined> {
  const { changes, io } = services;
  const next = await newKey(services);
  const root = await openTrustRoot(services);
  return await changes.make(async (rows, emit) => {
    const retiring = await rows.signingKeys.current();
    if (!retiring || retiring.id !== (onlyId ?? retiring.id)) return undefined;
    const expiresAtMs = io.clock.now() + transitionMs;
    const announced: AnnouncedKeys = {
      current: next.publicKey,
      ...(transitionMs > 0
        ? {
          previous: retiring.publicKey,
          transition_expires: isoTime(expiresAtMs),
        }
        : {}),
    };
    // Before the switch: these events belong to the key that retires.
    await emitToAll(rows, emit, announced);
    await rows.signingKeys.retire(retiring.id, {
      atMs: io.clock.now(),
      transitionExpiresMs: expiresAtMs,
    });
    await rows.signingKeys.add(next);
    const revoked = transitionMs > 0 ? [] : [retiring.publicKey];
    await renewTrustBundle(rows, root, { revoked }, io);
    await alongside(rows);
    return announced;
  });
}

/**
 * Takes a signing key away for good: it enters the revoked keys of the trust
 * bundle, and is accepted beside another no longer. In place of the current key
 * comes a new one.
 *
 * @param keyId As the wire calls it.
 * @returns undefined when this server has never had such a key.
 */
export async function revokeSigningKey(
  services: SigningKeyServices,
  keyId: string,
  alongside: (rows: Rows) => Promise<void>,
): Promise<AnnouncedKeys | undefined> {
  const { changes, storage, io } = services;
  const current = await storage.read(async (rows) =>
    await rows.signingKeys.current()
  );
  if (current && signingKeyId(current.publicKey) === keyId) {
    const announced = await replaceCurrent(services, 0, alongside, current.id);
    // Otherwise another call was faster, and the key retired in between.
    if (announced) return announced;
  }
  const root = await openTrustRoot(services);
  return await changes.make(async (rows, emit) => {
    const key = (await rows.signingKeys.all())
      .find(({ publicKey }) => signingKeyId(publicKey) === keyId);
    if (!key) return undefined;
    const nowMs = io.clock.now();
    if (await isRevoked(rows, keyId)) return await announcedKeys(rows, nowMs);
    if ((key.transitionExpiresMs ?? 0) > nowMs) {
      await rows.signingKeys.retire(key.id, {
        atMs: key.retiredAtMs ?? nowMs,
        transitionExpiresMs: nowMs,
      });
    }
    const announced = await announcedKeys(rows, nowMs);
    // Nodes that accept the key drop it now; the others are told nothing new.
    await emitToAll(rows, emit, announced);
    const revoked = [key.publicKey];
    await renewTrustBundle(rows, root, { revoked }, io);
    await alongside(rows);
    return announced;
  });
}

/** A signing key as operators see it. */
export interface ListedSigningKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly state: "current" | "transition" | "retired" | "revoked";
  readonly createdAtMs: number;
  readonly retiredAtMs: number | undefined;
}

/** Every signing key that this server has had, oldest first. */
export async function listSigningKeys(
  rows: Rows,
  nowMs: number,
): Promise<ListedSigningKey[]> {
  const { revokedKeyIds } = parseTrustBundle(await trustBundleText(rows));
  return (await rows.signingKeys.all()).map((key) => {
    const { publicKey, createdAtMs, retiredAtMs, transitionExpiresMs } = key;
    const keyId = signingKeyId(publicKey);
    const isAccepted = (transitionExpiresMs ?? 0) > nowMs;
    const state = revokedKeyIds.includes(keyId)
      ? "revoked"
      : retiredAtMs === undefined
      ? "current"
      : isAccepted
      ? "transition"
      : "retired";
    return { keyId, publicKey, state, createdAtMs, retiredAtMs };
  });
}

async function isRevoked(rows: Rows, keyId: string): Promise<boolean> {
  return parseTrustBundle(await trustBundleText(rows))
    .revokedKeyIds.includes(keyId);
}

async function emitToAll(rows: Rows, emit: Emit, announced: AnnouncedKeys) {
  for (const domain of await rows.domains.all()) {
    await emit({
      type: "signing_key_rotated",
      domainId: domain.id,
      nodeId: undefined,
      payload: JSON.stringify({ domain_id: domain.id, ...announced }),
    });
  }
}

/** The keys that nodes are to trust now. */
export async function announcedKeys(
  rows: Rows,
  nowMs: number,
): Promise<AnnouncedKeys> {
  const current = await rows.signingKeys.current();
  if (!current) throw new Error("There is no signing key");
  const previous = await rows.signingKeys.previous();
  const expiresMs = previous?.transitionExpiresMs ?? 0;
  return {
    current: current.publicKey,
    ...(previous && expiresMs > nowMs
      ? {
        previous: previous.publicKey,
        transition_expires: isoTime(expiresMs),
      }
      : {}),
  };
}

async function newKey(
  { vault, io }: Pick<SigningKeyServices, "vault" | "io">,
) {
  const seed = io.random.bytes(SEED_BYTES);
  const id = uuidV7(io.clock, io.random);
  return {
    id,
    publicKey: publicKeyOf(privateKeyFrom(seed)),
    sealed: await vault.seal(SEALED.signingKey(id), seed),
    createdAtMs: io.clock.now(),
  };
}
