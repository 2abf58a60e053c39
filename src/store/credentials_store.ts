import { describeError } from "../platform/log.ts";
import { inTurn } from "../platform/in_turn.ts";
import type { CarrierCredentials } from "../wire/carrier_credentials.ts";
import {
  type Credentials,
  CREDENTIALS_FILE,
  credentialsOf,
  decodeCredentials,
  decodeMark,
  encodeCredentials,
  encodeMark,
  ENROLLED_MARK,
  keyFingerprint,
} from "./credentials_file.ts";
import { isMissing, readIfThere } from "./disk.ts";
import type { Identity } from "./identity.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import { sealText, unsealText } from "./sealed_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { isShortage } from "./typed_reads.ts";

/** What a person can do about a file that is damaged. */
const WAY_OUT = "put a sound copy of it back, or stop the agent and run " +
  "`plexd store repair`, which writes it anew";

/**
 * What the node is enrolled with, in a file that people may take away, put back
 * or replace while the agent runs. Only the file's presence and soundness are
 * for them: what proves the identity lies sealed beside it. Reading and writing
 * take turns: each begins with what is in use then.
 *
 * A file that is gone signs the node off; one that is damaged, or another
 * node's, changes nothing that is in use.
 */
export class CredentialsStore {
  readonly #context: StoreContext;
  readonly #key: SealKey;
  readonly #listeners = new Set<() => void>();
  #current: Credentials | undefined;
  #fault: string | undefined;
  #isSignedOff = false;
  /** What the file looked like when it was last read. */
  #seen: string | undefined;

  constructor(context: StoreContext, key: SealKey) {
    this.#context = context;
    this.#key = key;
  }

  /** What is in use; undefined while the node is not enrolled. */
  get current(): Credentials | undefined {
    return this.#current;
  }

  /** Credentials of the second carrier, also those of an earlier run. */
  get carrier(): CarrierCredentials | undefined {
    return this.#current?.carrier;
  }

  /** Why the file cannot be used, and what to do, while that is so. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether they were taken away from a node that is registered. */
  get isSignedOff(): boolean {
    return this.#isSignedOff;
  }

  /**
   * Calls `listener` whenever other credentials are in use, or none.
   *
   * @returns what ends the calls.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the file looks as it did when it was last read. */
  isAsSeen(): boolean {
    return this.#seen === this.#look();
  }

  /**
   * Reads the file for the given identity. An identity that never had one, as
   * older versions have left it, gets it now.
   *
   * @returns whether the node is enrolled with that identity.
   * @throws {StoreWriteError} when the first file could not be made durable.
   * @throws {Error} of the system when it is short of something for a moment.
   */
  take(identity: Identity): Promise<boolean> {
    return inTurn(this, () => this.#take(identity));
  }

  async #take(identity: Identity): Promise<boolean> {
    const seen = this.#look();
    const fingerprint = keyFingerprint(identity.nodeSecretKey);
    const hadThem = this.#isMarked(fingerprint);
    const found = await this.#read(identity.nodeId, fingerprint);
    this.#isSignedOff = found === "missing" && hadThem;
    if (this.#isSignedOff) {
      this.#use(undefined);
    } else if (typeof found === "object" && "credentials" in found) {
      if (!hadThem) this.#mark(fingerprint);
      this.#use(found.credentials);
    } else if (!hadThem) {
      return await this.#renew(identity);
    } else if (typeof found === "object") {
      const own = credentialsOf(identity, this.#key.source);
      const isSame = this.#current?.key.fingerprint === fingerprint;
      this.#use(
        isSame ? this.#current : own,
        `${CREDENTIALS_FILE}: ${found.why}: ${WAY_OUT}`,
      );
    }
    this.#seen = seen;
    return this.#current !== undefined;
  }

  /**
   * Stores the credentials of an identity that is new, or in place of a file
   * that is damaged.
   *
   * @throws {StoreWriteError}
   */
  async renew(identity: Identity): Promise<void> {
    await inTurn(this, () => this.#renew(identity));
  }

  /**
   * Keeps the credentials of the second carrier, and the names that came with
   * them; `undefined` forgets them. While the file is gone, damaged or not the
   * one that was read they are known in this run only: writing it would hide
   * what a person has to see, or undo what one has done.
   *
   * @throws {StoreWriteError} when they could not be made durable; they are in
   * use all the same.
   */
  saveCarrier(carrier: CarrierCredentials | undefined): Promise<void> {
    return inTurn(this, () => this.#saveCarrier(carrier));
  }

  async #saveCarrier(carrier: CarrierCredentials | undefined): Promise<void> {
    const former = this.#current;
    if (!former) return;
    const { carrier: _, ...rest } = former;
    this.#use({
      ...rest,
      ...(carrier?.node_name ? { nodeName: carrier.node_name } : {}),
      ...(carrier?.domain_id ? { domainId: carrier.domain_id } : {}),
      ...(carrier?.domain_name ? { domainName: carrier.domain_name } : {}),
      ...(carrier ? { carrier } : {}),
    }, this.#fault);
    await this.#writeCurrent();
  }

  /**
   * Forgets all of it, as the identity is forgotten.
   *
   * @throws {StoreWriteError} when that could not be made durable.
   */
  clear(): void {
    const { disk, root, folders } = this.#context;
    try {
      disk.remove(`${root}/${CREDENTIALS_FILE}`);
      disk.remove(`${root}/${ENROLLED_MARK}`);
      folders.get("identity").syncNow();
    } catch (error) {
      throw new StoreWriteError("that the credentials are gone", error);
    }
    this.#use(undefined);
  }

  async #renew(identity: Identity): Promise<true> {
    const credentials = credentialsOf(identity, this.#key.source);
    await this.#write(credentials);
    this.#mark(credentials.key.fingerprint);
    this.#use(credentials);
    return true;
  }

  async #writeCurrent(): Promise<void> {
    if (!this.#current || this.#fault !== undefined) return;
    const seen = this.#look();
    if (seen === undefined || seen !== this.#seen) return;
    await this.#write(this.#current, seen);
  }

  /** @param over How the file must look still; else nothing is written. */
  async #write(credentials: Credentials, over?: string): Promise<void> {
    const { cluster, disk, temp, folders, random } = this.#context;
    const place = { cluster, role: "credentials" } as const;
    const text = encodeCredentials(credentials);
    try {
      const bytes = await sealText(this.#key, place, text, random);
      // Sealing takes a while, in which it may have been taken away.
      if (over !== undefined && over !== this.#look()) return;
      replaceFileNow(disk, temp, folders.target(CREDENTIALS_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("the credentials", error);
    }
    this.#seen = this.#look();
  }

  /** Once the file is there: a crash in between means that it is written anew. */
  #mark(fingerprint: string) {
    const { disk, temp, folders } = this.#context;
    const target = folders.target(ENROLLED_MARK);
    try {
      replaceFileNow(disk, temp, target, encodeMark(fingerprint));
    } catch (error) {
      throw new StoreWriteError("that this node is enrolled", error);
    }
  }

  /**
   * A damaged mark counts as one of this key: to be signed off by mistake is
   * mended by a person, to be enrolled by mistake is not.
   */
  #isMarked(fingerprint: string): boolean {
    const { disk, root, recovered } = this.#context;
    const bytes = readIfThere(disk, `${root}/${ENROLLED_MARK}`);
    if (!bytes) return false;
    const marked = decodeMark(bytes);
    if (marked !== undefined) return marked === fingerprint;
    let action = "it is written anew";
    try {
      this.#mark(fingerprint);
    } catch (error) {
      if (!(error instanceof StoreWriteError)) throw error;
      action = "it counts as sound, and could not be written anew";
    }
    recovered({ file: ENROLLED_MARK, what: "damaged", action });
    return true;
  }

  async #read(
    nodeId: string,
    fingerprint: string,
  ): Promise<
    "missing" | { readonly credentials: Credentials } | { readonly why: string }
  > {
    const { cluster, disk, root } = this.#context;
    const place = { cluster, role: "credentials" } as const;
    try {
      const bytes = readIfThere(disk, `${root}/${CREDENTIALS_FILE}`);
      if (!bytes) return "missing";
      const text = await unsealText(this.#key, place, bytes);
      const credentials = decodeCredentials(text);
      const isOwn = credentials.nodeId === nodeId &&
        credentials.key.fingerprint === fingerprint;
      return isOwn
        ? { credentials }
        : { why: "it belongs to another identity" };
    } catch (error) {
      if (isShortage(error)) throw error;
      return { why: describeError(error) };
    }
  }

  #use(credentials: Credentials | undefined, fault?: string) {
    const isSame =
      JSON.stringify(credentials) === JSON.stringify(this.#current);
    const isTold = this.#fault === fault;
    this.#current = credentials;
    this.#fault = fault;
    if (isSame && isTold) return;
    for (const listener of this.#listeners) listener();
  }

  /** @returns undefined when there is no file; why it cannot be looked at, too. */
  #look(): string | undefined {
    try {
      const path = `${this.#context.root}/${CREDENTIALS_FILE}`;
      const { ino, size, mtime } = Deno.lstatSync(path);
      return `${ino} ${size} ${mtime?.getTime()}`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      return `not to be seen: ${describeError(error)}`;
    }
  }
}
