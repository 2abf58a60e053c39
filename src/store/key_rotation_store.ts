import * as z from "zod/mini";
import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import type { NodeKeyPair, PublicIdentity } from "./identity.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_FILE,
  PRIVATE_KEY_FILE,
} from "./identity_file.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import { DamagedSealError, seal, unseal } from "./sealed_file.ts";
import type { StoreContext } from "./store_context.ts";
import { CorruptIdentityError, StoreWriteError } from "./store_errors.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";

/** Path of the rotation's file, below the membership's folder. */
export const ROTATION_FILE = "identity/rotation.json";

/** How far the rotation of the node's X25519 key is. */
export interface KeyRotationRecord {
  /** When a rotation was last completed, RFC 3339 text. */
  readonly lastAt?: string;
  /** The key that is to take over. */
  readonly pending?: PendingRotation;
  /**
   * The file was damaged: the control plane may have a key that was in it alone.
   * Ends with the next key.
   */
  readonly isLost?: true;
}

/** A key that the control plane has not confirmed, or not been asked about. */
export interface PendingRotation {
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
  /** RFC 3339 text. */
  readonly since: string;
  /** It is confirmed: what is left is to put it in place. */
  readonly confirmed: boolean;
}

const rotationSchema = z.object({
  format: z.literal(1),
  last_at: z.optional(z.string()),
  lost: z.optional(z.literal(true)),
  pending: z.optional(z.object({
    node_id: z.string(),
    replaces: z.string(),
    public_key: z.string(),
    since: z.string(),
    sealed_private_key: z.string(),
  })),
  switch: z.optional(z.object({
    from: z.string(),
    identity: z.string(),
    at: z.string(),
  })),
});
type RotationFile = z.infer<typeof rotationSchema>;
type PendingKey = NonNullable<RotationFile["pending"]>;
type Switch = NonNullable<RotationFile["switch"]>;

const encoder = new TextEncoder();
const PLACE = "private_key";

/**
 * Replaces the node's X25519 key without a moment in which there is none.
 *
 * One file holds the new key, sealed, from before the control plane hears of
 * it. A confirmation adds the whole next identity to that file: this one
 * replacement decides, and what then remains to be done to the other files is
 * finished by whoever opens the store next.
 *
 * @see design, section 6 "Keys and trust"
 */
export class KeyRotationStore {
  readonly #context: StoreContext;
  readonly #key: SealKey;
  #file: RotationFile;

  private constructor(
    context: StoreContext,
    key: SealKey,
    file: RotationFile,
  ) {
    this.#context = context;
    this.#key = key;
    this.#file = file;
  }

  /**
   * Opens the record, and finishes a switch that a crash has interrupted: to be
   * called before the identity is loaded. Of a damaged record a copy is kept, and
   * it is remembered that there was one; the identity is then what it was.
   *
   * @throws {StoreWriteError} when a switch cannot be finished: until it is,
   * the identity's files do not fit together.
   */
  static open(context: StoreContext, key: SealKey): KeyRotationStore {
    const store = new KeyRotationStore(context, key, read(context));
    const { pending, switch: step, lost } = store.#file;
    if (pending && step) store.#finish(pending, step);
    if (lost) store.#remember();
    return store;
  }

  get record(): KeyRotationRecord {
    const { last_at, pending, switch: step, lost } = this.#file;
    return {
      ...(last_at === undefined ? {} : { lastAt: last_at }),
      ...(lost ? { isLost: lost } : {}),
      ...(pending ? { pending: pendingOf(pending, step !== undefined) } : {}),
    };
  }

  /**
   * The stored key that is to take over from the present one. One that is
   * another node's, replaces another key, or does not open, is forgotten.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   * @throws {CorruptIdentityError} when the identity is damaged.
   */
  async pending(): Promise<PendingRotation | undefined> {
    const stored = this.#file.pending;
    // Once it is decided on, only `confirm()` can tell what is left to do.
    if (!stored || this.#file.switch) return this.record.pending;
    const identity = this.#identity()?.identity;
    const isOurs = identity !== undefined && belongs(stored, identity) &&
      await this.#opens(stored);
    if (!isOurs) this.drop();
    return this.record.pending;
  }

  /**
   * Stores a key that is to take over from the present one, in place of one
   * that was to.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   * @throws {CorruptIdentityError} when there is no sound identity.
   */
  async prepare(pair: NodeKeyPair): Promise<PendingRotation> {
    const place = { cluster: this.#context.cluster, role: PLACE } as const;
    const secret = new Uint8Array(pair.privateKey);
    const sealed = await seal(this.#key, place, secret, this.#context.random);
    secret.fill(0);
    const { identity } = this.#soundIdentity();
    const pending: PendingKey = {
      node_id: identity.nodeId,
      replaces: identity.publicKey,
      public_key: pair.publicKey,
      since: isoTime(this.#context.clock.now()),
      sealed_private_key: new TextDecoder().decode(sealed),
    };
    this.#save({ pending });
    return pendingOf(pending, false);
  }

  /**
   * Makes the pending key the node's. Durable when this returns; may be called
   * again after a failure.
   *
   * @returns false when there is none, or the node has another identity now.
   * @throws {StoreWriteError} when it is not durable yet.
   * @throws {CorruptIdentityError} when there is no sound identity.
   */
  confirm(): boolean {
    const { pending } = this.#file;
    if (!pending) return false;
    const step = this.#file.switch ?? this.#decide(pending);
    if (step) return this.#finish(pending, step);
    this.drop();
    return false;
  }

  /**
   * Forgets the pending key; the present one stays.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   */
  drop(): void {
    if (this.#file.pending) this.#save({});
  }

  /** From here on the pending key is the node's, whatever happens. */
  #decide(pending: PendingKey): Switch | undefined {
    const { bytes, identity, sealed } = this.#soundIdentity();
    if (!belongs(pending, identity)) return undefined;
    const next = encodeIdentity(
      { ...identity, publicKey: pending.public_key },
      { ...sealed, privateKey: sha256(pending.sealed_private_key) },
    );
    const step = {
      from: sha256(bytes),
      identity: new TextDecoder().decode(next),
      at: isoTime(this.#context.clock.now()),
    };
    this.#save({ pending, switch: step });
    return step;
  }

  /** What remains after a confirmation; each step can be done twice. */
  #finish(pending: PendingKey, { from, identity, at }: Switch): boolean {
    const { disk, root } = this.#context;
    const found = readIfThere(disk, `${root}/${IDENTITY_FILE}`);
    const sum = found && sha256(found);
    // Another identity has been stored since: the key is none of its business.
    if (sum !== from && sum !== sha256(identity)) {
      this.drop();
      return false;
    }
    this.#write(PRIVATE_KEY_FILE, encoder.encode(pending.sealed_private_key));
    this.#write(IDENTITY_FILE, encoder.encode(identity));
    this.#save({ lastAt: at });
    return true;
  }

  #identity() {
    const { disk, root } = this.#context;
    const bytes = readIfThere(disk, `${root}/${IDENTITY_FILE}`);
    return bytes && { bytes, ...decodeIdentity(bytes) };
  }

  #soundIdentity() {
    const found = this.#identity();
    if (!found) throw new CorruptIdentityError(IDENTITY_FILE, "it is missing");
    return found;
  }

  /** A key that could not be opened later must not be announced. */
  async #opens(pending: PendingKey): Promise<boolean> {
    const place = { cluster: this.#context.cluster, role: PLACE } as const;
    try {
      const bytes = encoder.encode(pending.sealed_private_key);
      (await unseal(this.#key, place, bytes)).fill(0);
      return true;
    } catch (error) {
      if (!(error instanceof DamagedSealError)) throw error;
      return false;
    }
  }

  /** Whoever opens the store next may be the one to act on it. */
  #remember() {
    try {
      this.#save({ lost: true });
    } catch {
      // The damaged file is still there, and tells it again.
    }
  }

  #save(
    next: {
      readonly lost?: true;
      readonly pending?: PendingKey;
      readonly switch?: Switch;
      readonly lastAt?: string;
    },
  ) {
    const last = next.lastAt ?? this.#file.last_at;
    const file: RotationFile = {
      format: 1,
      ...(last === undefined ? {} : { last_at: last }),
      ...(next.lost ? { lost: next.lost } : {}),
      ...(next.pending ? { pending: next.pending } : {}),
      ...(next.switch ? { switch: next.switch } : {}),
    };
    this.#write(ROTATION_FILE, withSum(JSON.stringify(file)).bytes);
    this.#file = file;
  }

  #write(file: string, bytes: Uint8Array) {
    const { disk, temp, folders } = this.#context;
    try {
      replaceFileNow(disk, temp, folders.target(file), bytes);
    } catch (error) {
      throw new StoreWriteError("the rotation of the node's key", error);
    }
  }
}

function belongs(pending: PendingKey, identity: PublicIdentity): boolean {
  return pending.node_id === identity.nodeId &&
    pending.replaces === identity.publicKey;
}

function pendingOf(
  { public_key, since }: PendingKey,
  confirmed: boolean,
): PendingRotation {
  return { publicKey: public_key, since, confirmed };
}

function read(context: StoreContext): RotationFile {
  const { disk, root, damaged, recovered } = context;
  const lost: RotationFile = { format: 1, lost: true };
  const bytes = readIfThere(disk, `${root}/${ROTATION_FILE}`);
  if (!bytes) return { format: 1 };
  try {
    const checked = checkSum(bytes);
    if (checked) return parseShape("rotation", rotationSchema, checked.text);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const action = damaged.keepCopy(ROTATION_FILE, bytes);
    recovered({ file: ROTATION_FILE, what: describeError(error), action });
    return lost;
  }
  const action = damaged.keepCopy(ROTATION_FILE, bytes);
  recovered({ file: ROTATION_FILE, what: "damaged", action });
  return lost;
}
