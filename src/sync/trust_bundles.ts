import type { Clock } from "../platform/clock.ts";
import { isoTime } from "../platform/clock.ts";
import { inTurn } from "../platform/in_turn.ts";
import { describeError, type Logger } from "../platform/log.ts";
import {
  type Keyring,
  type KeyringState,
  RefusedKeysError,
} from "../trust/keyring.ts";
import { importSigningKey } from "../trust/signing_key.ts";
import {
  type PinnedTrust,
  RefusedBundleError,
  type VerifiedBundle,
  verifyBundle,
} from "../trust/verify_bundle.ts";
import { ControlError } from "../uplink/control_error.ts";
import { ShapeError } from "../wire/shape_error.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import { parseTrustBundle } from "../wire/trust_bundle.ts";
import type { KeyPort } from "./signing_key_handler.ts";

/** Where pinned roots and the bundle in force are kept. */
export interface BundlePort {
  /** @returns undefined when no root was ever pinned. */
  load(): PinnedTrust | undefined;
  /** @throws {StoreWriteError} */
  save(bundle: PinnedTrust): void;
}

/** Options for {@linkcode TrustBundles}. */
export interface TrustBundlesOptions {
  readonly store: BundlePort;
  readonly keyring: Keyring;
  readonly keys: KeyPort;
  /** Asks for the text of the bundle in force. */
  readonly fetch: (signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long the key before goes on verifying; its event may say less. */
const TRANSITION_MS = 24 * 3_600_000;

/**
 * Follows whom the pinned roots vouch for. A root stands above the signing
 * keys: its bundle brings a node back that has missed a change of keys, and
 * takes a key away that was stolen.
 *
 * @see design, section 8 "Signed snapshots"
 */
export class TrustBundles {
  readonly #options: TrustBundlesOptions;
  #pinned: PinnedTrust | undefined;
  #asked = false;

  /** @throws {CorruptTrustError} from `store`. */
  constructor(options: TrustBundlesOptions) {
    this.#options = options;
    this.#pinned = options.store.load();
  }

  /** Of the bundle in force; undefined before the first one. */
  get version(): number | undefined {
    return this.#pinned?.version || undefined;
  }

  /** Ids of keys that must not be believed any more. */
  get revokedKeyIds(): ReadonlySet<string> {
    return new Set(this.#pinned?.revokedKeyIds);
  }

  /**
   * Fetches the bundle once after the start, and when there is a later one.
   * That it cannot be had keeps nobody from pulling.
   *
   * @param told Version of the bundle in force, as an answer named it.
   */
  async follow(told: number | undefined, signal: AbortSignal): Promise<void> {
    const isLater = told !== undefined && told > (this.version ?? 0);
    if (this.#asked && !isLater) return;
    await this.refresh(signal);
  }

  /** Fetches the bundle and takes it. @returns whether signing keys changed. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    if (!this.#pinned) return false;
    const { fetch, log } = this.#options;
    try {
      const text = await fetch(signal);
      this.#asked = true;
      return await this.take(text);
    } catch (error) {
      if (
        !(error instanceof ControlError || error instanceof ShapeError ||
          error instanceof RefusedBundleError)
      ) throw error;
      log.warn("No trust bundle was taken", { error: describeError(error) });
      return false;
    }
  }

  /**
   * Takes a bundle that a pinned root has signed: durable first.
   *
   * @returns whether signing keys changed.
   * @throws {ShapeError | RefusedBundleError | StoreWriteError}
   */
  take(text: string): Promise<boolean> {
    return inTurn(this.#options.keyring, () => this.#take(text));
  }

  async #take(text: string): Promise<boolean> {
    const { store, keyring, keys, log } = this.#options;
    const pinned = this.#pinned;
    if (!pinned) return false;
    const bundle = verifyBundle(parseTrustBundle(text), pinned);
    // Keys first: a crash between the two is made good by the next fetch.
    const next = this.#plan(bundle);
    if (next) {
      await keys.save(next);
      keyring.replace(next);
      log.info("Signing keys taken from the trust bundle", {
        version: bundle.version,
      });
    }
    if (bundle.version > pinned.version) {
      const taken = {
        roots: bundle.roots.length > 0 ? bundle.roots : pinned.roots,
        // What was revoked once stays so, whatever a restored root says.
        revokedKeyIds: [
          ...new Set([...pinned.revokedKeyIds, ...bundle.revokedKeyIds]),
        ],
        version: bundle.version,
        signedText: bundle.signedText,
      };
      store.save(taken);
      this.#pinned = taken;
    }
    return next !== undefined;
  }

  /** @returns undefined when the keys in use are those of the bundle. */
  #plan(bundle: VerifiedBundle): KeyringState | undefined {
    const { keyring, clock, log } = this.#options;
    const { current, previous } = keyring.state;
    const revoked = new Set([...this.revokedKeyIds, ...bundle.revokedKeyIds]);
    const good = bundle.signingKeys.flatMap((key) => {
      const { text, fingerprint } = importSigningKey(key)!;
      return revoked.has(fingerprint) ? [] : [{ text, fingerprint }];
    });
    const [first] = good;
    if (!first) return undefined;
    const isRevoked = (key: string | undefined) =>
      key !== undefined && revoked.has(importSigningKey(key)!.fingerprint);
    if (first.text === current && !isRevoked(previous)) return undefined;
    const stays = first.text !== current &&
      good.some(({ text }) => text === current);
    const ids = keyring.state.currentId === undefined
      ? {}
      // The bundle names keys by their fingerprints.
      : { currentId: first.fingerprint };
    const announced: SigningKeys = {
      current: first.text,
      ...ids,
      ...(stays
        ? {
          previous: current,
          transitionExpires: isoTime(clock.now() + TRANSITION_MS),
        }
        : {}),
    };
    try {
      const next = keyring.planSignedChange(announced, "current", clock.now());
      return next === keyring.state ? undefined : next;
    } catch (error) {
      if (!(error instanceof RefusedKeysError)) throw error;
      // Signed events were faster than this bundle.
      log.warn("Keys of the trust bundle were not taken", {
        error: error.message,
      });
      return undefined;
    }
  }
}
