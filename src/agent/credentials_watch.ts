import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import { keyFingerprint } from "../store/credentials_file.ts";
import type { Degraded } from "../sync/degraded.ts";
import type { ReloadPort } from "./reload.ts";

/** Between two looks at the file. */
const POLL_MS = 5_000;

/** What {@linkcode CredentialsWatch} works with. */
export interface CredentialsWatchOptions {
  readonly store: Pick<Membership, "credentials" | "transitions"> & {
    readonly identity: Pick<Membership["identity"], "load">;
  };
  readonly degraded: Degraded;
  readonly port: Pick<ReloadPort, "onRequest">;
  readonly io: Platform;
}

/**
 * Notices that somebody has taken the credentials away, put them back, damaged
 * or replaced them: by a look every few seconds, and at each SIGHUP.
 */
export class CredentialsWatch {
  readonly #options: CredentialsWatchOptions;
  /** Whose credentials are in use; undefined while nobody's are. */
  #inUse: string | undefined;
  /** The last look was in vain: the file need not change for the next one. */
  #hasFailed = false;
  #end: AbortSignal | undefined;

  constructor(options: CredentialsWatchOptions) {
    this.#options = options;
  }

  /** Names whose credentials are in use; undefined while nobody's are. */
  get inUse(): string | undefined {
    return this.#inUse;
  }

  /**
   * Who the node is enrolled as; undefined when it is not. Whoever asks wipes
   * the private key.
   *
   * @throws {CorruptIdentityError | SealKeyError | StoreWriteError}
   */
  async enrolled(): Promise<Identity | undefined> {
    const { identity: identities, credentials } = this.#options.store;
    const identity = await identities.load();
    const isEnrolled = identity && await credentials.take(identity);
    this.#showFault();
    if (identity && !isEnrolled) identity.privateKey.fill(0);
    const enrolled = isEnrolled ? identity : undefined;
    this.#inUse = nameOf(enrolled);
    return enrolled;
  }

  /**
   * Works until `stop` aborts or other credentials are in use than before, none
   * included.
   *
   * @param work Settles once `end` aborts; resolves to whether to begin anew.
   * @returns whether to begin anew.
   * @throws what `work` throws.
   */
  async during(
    work: (end: AbortSignal) => Promise<boolean>,
    stop: AbortSignal,
  ): Promise<boolean> {
    const anew = new AbortController();
    const over = new AbortController();
    const until = AbortSignal.any([stop, over.signal]);
    const watching = this.#watch(until).then((changed) => {
      if (changed) anew.abort(new Error("Other credentials are in use"));
    });
    // Deno 2.7 forgets such a signal, and who listens to it, once nobody holds it.
    this.#end = AbortSignal.any([stop, anew.signal]);
    try {
      return await work(this.#end) || anew.signal.aborted;
    } catch (error) {
      if (stop.aborted || !anew.signal.aborted) throw error;
      // What ends in the middle of something says so by throwing.
      return true;
    } finally {
      this.#end = undefined;
      over.abort();
      await watching;
    }
  }

  /** @returns false when `signal` has aborted. Never rejects. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { store: { credentials }, port, io } = this.#options;
    let wake: () => void = () => {};
    let asked = false;
    const ignore = port.onRequest(() => {
      asked = true;
      wake();
    });
    try {
      for (;;) {
        const woken = new AbortController();
        wake = () => woken.abort();
        if (!asked) {
          const either = AbortSignal.any([signal, woken.signal]);
          await io.clock.sleep(POLL_MS, either).catch(() => {});
        }
        if (signal.aborted) return false;
        const isDue = asked || this.#hasFailed || !credentials.isAsSeen();
        if (isDue && await this.#look()) return !signal.aborted;
        asked = false;
      }
    } finally {
      ignore();
    }
  }

  /** @returns whether other credentials are to be used. Never rejects. */
  async #look(): Promise<boolean> {
    const { store: { credentials, transitions }, degraded, io } = this.#options;
    const { log } = io;
    const former = this.#inUse;
    const wasAsSeen = credentials.isAsSeen();
    this.#hasFailed = false;
    try {
      const identity = await this.enrolled();
      identity?.privateKey.fill(0);
    } catch (error) {
      // What is in use stays; the next start will not be as lenient.
      this.#hasFailed = true;
      const detail = describeError(error);
      degraded.raise("credentials_invalid", { detail });
      return false;
    }
    if (this.#inUse !== former) {
      const reason = this.#inUse === undefined
        ? "the credentials were taken away"
        : former === undefined
        ? "there are credentials again"
        : "the credentials were replaced";
      transitions.note("reload", { reason });
      log.warn("Credentials read anew", { reason });
      return true;
    }
    if (wasAsSeen || credentials.fault !== undefined) return false;
    // The same key, but somebody cared: a node that is refused asks at once.
    transitions.note("reload", { reason: "credentials" });
    log.info("Credentials read anew");
    return degraded.list().some(({ reason }) => reason === "unauthorized");
  }

  #showFault() {
    const { store: { credentials: { fault } }, degraded } = this.#options;
    if (fault === undefined) return degraded.clear("credentials_invalid");
    degraded.raise("credentials_invalid", { detail: fault });
  }
}

function nameOf(identity: Identity | undefined): string | undefined {
  if (!identity) return undefined;
  const { nodeId, nodeSecretKey } = identity;
  return `${nodeId} ${keyFingerprint(nodeSecretKey)}`;
}
