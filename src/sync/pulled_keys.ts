import { type Clock, isoTime } from "../platform/clock.ts";
import { inTurn } from "../platform/in_turn.ts";
import {
  type Keyring,
  type KeyringState,
  RefusedKeysError,
} from "../trust/keyring.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import type { Degraded } from "./degraded.ts";
import type { KeyPort } from "./signing_key_handler.ts";

/** What {@linkcode PulledKeys} works with. */
export interface PulledKeysOptions {
  readonly keyring: Keyring;
  readonly store: KeyPort;
  /**
   * Whether a pull may change keys at all: `trust.accept_keys_from_pull`, and a
   * connection that nobody can have touched.
   */
  readonly allowed: boolean;
  readonly degraded: Degraded;
  readonly clock: Clock;
}

/**
 * Takes the signing keys of a state document, as far as that is to be believed.
 *
 * @see design, section 6 "Keys and trust"
 */
export class PulledKeys {
  readonly #options: PulledKeysOptions;

  constructor(options: PulledKeysOptions) {
    this.#options = options;
  }

  /** The keys in use, in the form in which a pull announces them. */
  get present(): SigningKeys {
    const { current, previous, transitionExpiresMs } =
      this.#options.keyring.state;
    const running = transitionExpiresMs !== undefined &&
      transitionExpiresMs > this.#options.clock.now();
    if (previous === undefined || !running) return { current };
    return {
      current,
      previous,
      transitionExpires: isoTime(transitionExpiresMs),
    };
  }

  /**
   * Takes announced keys where that is allowed, as it is to who signed the state
   * with the current key; otherwise the keys stay, and
   * that shows as `key_change_unconfirmed`.
   *
   * @returns whether the keys in use are other ones now.
   * @throws {StoreWriteError} when they could not be stored: then those before
   * stay in use.
   */
  take(
    keys: SigningKeys,
    signedBy?: "current" | "previous",
  ): Promise<boolean> {
    return inTurn(this.#options.keyring, () => this.#take(keys, signedBy));
  }

  async #take(
    keys: SigningKeys,
    signedBy: "current" | "previous" | undefined,
  ): Promise<boolean> {
    const { keyring, store, degraded } = this.#options;
    try {
      const next = this.#plan(keys, signedBy);
      if (next !== "unchanged") {
        await store.save(next);
        keyring.replace(next);
      }
      degraded.clear("key_change_unconfirmed");
      return next !== "unchanged";
    } catch (error) {
      if (!(error instanceof RefusedKeysError)) throw error;
      degraded.raise("key_change_unconfirmed", { detail: error.message });
      return false;
    }
  }

  #plan(
    keys: SigningKeys,
    signedBy: "current" | "previous" | undefined,
  ): KeyringState | "unchanged" {
    const { keyring, allowed, clock } = this.#options;
    const nowMs = clock.now();
    if (!signedBy) return keyring.planPullChange(keys, { allowed }, nowMs);
    const next = keyring.planSignedChange(keys, signedBy, nowMs);
    return next === keyring.state ? "unchanged" : next;
  }
}
