import * as z from "zod/mini";
import { parseShape } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import type { Identity, PendingRegistration } from "./identity.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_FILE,
  PENDING_FILE,
  PENDING_KEY_FILE,
  PRIVATE_KEY_FILE,
  SECRET_KEY_FILE,
} from "./identity_file.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import {
  DamagedSealError,
  seal,
  type SealedRole,
  unseal,
} from "./sealed_file.ts";
import type { StoreContext } from "./store_context.ts";
import { CorruptIdentityError, StoreWriteError } from "./store_errors.ts";
import { checkSum, sha256, withSum } from "./summed_json.ts";

const FOLDER = "identity";

const pendingSchema = z.object({
  format: z.literal(1),
  public_key: z.string(),
  nonce_seed: z.string().check(z.minLength(1)),
  private_key_sha256: z.string(),
});

/**
 * Who this node is. Its file is removed first and written last, so a crash on
 * the way reads as "not registered", never as a mix of two identities.
 */
export class IdentityStore {
  readonly #context: StoreContext;
  readonly #key: SealKey;

  constructor(context: StoreContext, key: SealKey) {
    this.#context = context;
    this.#key = key;
  }

  /**
   * The stored identity; undefined when this node is not registered.
   *
   * @throws {CorruptIdentityError} when it is there, but not as it was written.
   * @throws {SealKeyError} kind "wrong_key" when another key sealed it.
   */
  async load(): Promise<Identity | undefined> {
    const bytes = this.#read(IDENTITY_FILE);
    if (!bytes) return undefined;
    const { identity, sealed } = decodeIdentity(bytes);
    const privateKey = await this.#open(
      PRIVATE_KEY_FILE,
      "private_key",
      sealed.privateKey,
    );
    const secret = await this.#open(
      SECRET_KEY_FILE,
      "node_secret_key",
      sealed.nodeSecretKey,
    );
    const nodeSecretKey = new TextDecoder().decode(secret);
    secret.fill(0);
    return { ...identity, privateKey, nodeSecretKey };
  }

  /**
   * Stores a key pair that is about to be registered, so that a lost answer can
   * be asked for again with the same keys.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   */
  async savePending(pending: PendingRegistration): Promise<void> {
    const sealed = await this.#seal("pending_private_key", pending.privateKey);
    const { bytes } = withSum(JSON.stringify({
      format: 1,
      public_key: pending.publicKey,
      nonce_seed: pending.nonceSeed,
      private_key_sha256: sha256(sealed),
    }));
    this.#change("the pending key pair", () => {
      this.#remove([PENDING_FILE]);
      this.#replace(PENDING_KEY_FILE, sealed);
      this.#replace(PENDING_FILE, bytes);
    });
  }

  /**
   * The key pair that was about to be registered, if any. A damaged one is put
   * out of the way: nothing but an answer that got lost depends on it.
   *
   * @throws {SealKeyError} kind "wrong_key" when another key sealed it.
   */
  async loadPending(): Promise<PendingRegistration | undefined> {
    const bytes = this.#read(PENDING_FILE);
    if (!bytes) return undefined;
    try {
      const checked = checkSum(bytes);
      if (!checked) throw new DamagedSealError("its sum is wrong");
      const file = parseShape("pending key pair", pendingSchema, checked.text);
      const privateKey = await this.#open(
        PENDING_KEY_FILE,
        "pending_private_key",
        file.private_key_sha256,
      );
      return {
        privateKey,
        publicKey: file.public_key,
        nonceSeed: file.nonce_seed,
      };
    } catch (error) {
      if (
        !(error instanceof CorruptIdentityError) &&
        !(error instanceof DamagedSealError)
      ) throw error;
      const { damaged, recovered } = this.#context;
      const action = damaged.setAside(PENDING_FILE);
      recovered({ file: PENDING_FILE, what: "damaged", action });
      return undefined;
    }
  }

  /**
   * Stores an identity in place of the one before, and forgets the pending key
   * pair. All of it is durable when this resolves.
   *
   * @throws {StoreWriteError} when it is not: then this node may read as not
   * registered, but never as a mix.
   */
  async save(identity: Identity): Promise<void> {
    const secretText = new TextEncoder().encode(identity.nodeSecretKey);
    const privateKey = await this.#seal("private_key", identity.privateKey);
    const nodeSecretKey = await this.#seal("node_secret_key", secretText);
    secretText.fill(0);
    const bytes = encodeIdentity(identity, {
      privateKey: sha256(privateKey),
      nodeSecretKey: sha256(nodeSecretKey),
    });
    this.#change("the identity", () => {
      this.#remove([IDENTITY_FILE]);
      this.#replace(PRIVATE_KEY_FILE, privateKey);
      this.#replace(SECRET_KEY_FILE, nodeSecretKey);
      this.#replace(IDENTITY_FILE, bytes);
      this.#forgetPending();
    });
  }

  /**
   * Forgets the identity and the pending key pair.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   */
  clear(): Promise<void> {
    return new Promise((resolve) => {
      this.#change("that the identity is gone", () => {
        this.#remove([IDENTITY_FILE]);
        this.#remove([PRIVATE_KEY_FILE, SECRET_KEY_FILE]);
        this.#forgetPending();
      });
      resolve();
    });
  }

  /** In this order: the file that names the other must not outlive it. */
  #forgetPending() {
    this.#remove([PENDING_FILE]);
    this.#remove([PENDING_KEY_FILE]);
  }

  #read(file: string): Uint8Array<ArrayBuffer> | undefined {
    return readIfThere(this.#context.disk, `${this.#context.root}/${file}`);
  }

  /** @throws {CorruptIdentityError} unless the file is the one that belongs. */
  async #open(
    file: string,
    role: SealedRole,
    sum: string,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#read(file);
    if (!bytes) throw new CorruptIdentityError(file, "it is missing");
    if (sha256(bytes) !== sum) {
      throw new CorruptIdentityError(file, "its sum is wrong");
    }
    const place = { cluster: this.#context.cluster, role };
    try {
      return await unseal(this.#key, place, bytes);
    } catch (error) {
      if (!(error instanceof DamagedSealError)) throw error;
      throw new CorruptIdentityError(file, error.message, error);
    }
  }

  async #seal(
    role: SealedRole,
    secret: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { cluster, random } = this.#context;
    const copy = new Uint8Array(secret);
    try {
      return await seal(this.#key, { cluster, role }, copy, random);
    } finally {
      copy.fill(0);
    }
  }

  #change(what: string, work: () => void) {
    try {
      work();
    } catch (error) {
      throw new StoreWriteError(what, error);
    }
  }

  #replace(file: string, bytes: Uint8Array) {
    const { disk, temp, folders } = this.#context;
    replaceFileNow(disk, temp, folders.target(file), bytes);
  }

  /** Durable on return, so that nothing written later can come before it. */
  #remove(files: readonly string[]) {
    const { disk, root, folders } = this.#context;
    for (const file of files) disk.remove(`${root}/${file}`);
    folders.get(FOLDER).syncNow();
  }
}
