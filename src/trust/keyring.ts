import { parseRfc3339 } from "../wire/rfc3339.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import { importSigningKey, type SigningKey } from "./signing_key.ts";

/** The signing keys that are trusted, in the form that is stored. */
export interface KeyringState {
  /** Base64 of 32 bytes. */
  readonly current: string;
  /** What signers call the two keys; dialect 2 only. */
  readonly currentId?: string;
  readonly previousId?: string;
  /** Base64 of 32 bytes. Verifies events only, and only for a time. */
  readonly previous?: string;
  /** When `previous` ends, ms since the Unix epoch. Without it, at once. */
  readonly transitionExpiresMs?: number;
  /** Fingerprints of keys that must never become current again. */
  readonly retired: readonly string[];
  /** Whether a signed event has changed keys: then no unsigned pull may. */
  readonly signedChange: boolean;
}

/** Announced keys were not adopted. Nothing has changed. */
export class RefusedKeysError extends Error {
  override readonly name = "RefusedKeysError";
  readonly kind: "bad_key" | "retired" | "not_current" | "unconfirmed";

  constructor(kind: RefusedKeysError["kind"], message: string) {
    super(`Signing keys refused: ${message}`);
    this.kind = kind;
  }
}

/** A retired key may be a stolen one, so its time is short whatever is announced. */
const LONGEST_TRANSITION_MS = 24 * 3_600_000;

interface Held {
  readonly current: SigningKey;
  readonly previous?: SigningKey;
}

interface Announced extends Held {
  readonly expiresMs?: number;
  readonly currentId?: string;
  readonly previousId?: string;
}

/**
 * Knows who may sign. Changes are planned first, so that the caller can make
 * the new state durable before {@linkcode Keyring.replace} puts it to use.
 *
 * @see design, section 6 "Keys and trust"
 */
export class Keyring {
  #state: KeyringState;
  #held: Held;

  /** @throws {RefusedKeysError} kind "bad_key" when a key cannot be read. */
  constructor(state: KeyringState) {
    this.#held = holdKeys(state.current, state.previous);
    this.#state = state;
  }

  get state(): KeyringState {
    return this.#state;
  }

  /** Puts a planned state to use. @throws {RefusedKeysError} kind "bad_key" */
  replace(state: KeyringState): void {
    this.#held = holdKeys(state.current, state.previous);
    this.#state = state;
  }

  /** Which trusted key made `signature` over `message`, if any did. */
  signerOf(
    message: Uint8Array,
    signature: Uint8Array,
    nowMs: number,
  ): "current" | "previous" | undefined {
    if (this.#held.current.verifies(message, signature)) return "current";
    const { transitionExpiresMs: endMs } = this.#state;
    if (endMs === undefined || nowMs >= endMs) return undefined;
    return this.#held.previous?.verifies(message, signature)
      ? "previous"
      : undefined;
  }

  /**
   * Which trusted key is called `keyId`, if it may verify at this moment.
   *
   * @see docs/wire.md, section h.8
   */
  keyCalled(keyId: string, nowMs: number): "current" | "previous" | undefined {
    const { currentId, previousId, transitionExpiresMs } = this.#state;
    if (keyId === "") return undefined;
    if (keyId === currentId) return "current";
    const running = transitionExpiresMs !== undefined &&
      nowMs < transitionExpiresMs;
    return running && keyId === previousId ? "previous" : undefined;
  }

  /** Which trusted key has a fingerprint, if it may verify at this moment. */
  keyWithFingerprint(
    fingerprint: string,
    nowMs: number,
  ): "current" | "previous" | undefined {
    const { current, previous } = this.#held;
    if (fingerprint === current.fingerprint) return "current";
    const running = nowMs < (this.#state.transitionExpiresMs ?? -Infinity);
    return running && fingerprint === previous?.fingerprint
      ? "previous"
      : undefined;
  }

  /** Whether one of the two keys made `signature` over `message`. */
  verifies(
    key: "current" | "previous",
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    return this.#held[key]?.verifies(message, signature) ?? false;
  }

  /**
   * What a signed announcement makes of the keys; the present state itself when
   * that is nothing, so that an event delivered again does no harm.
   *
   * @param signedBy The key that signed the announcement.
   * @throws {RefusedKeysError} kind "bad_key", "retired", or "not_current" when
   * another than the current key wants to change keys.
   */
  planSignedChange(
    keys: SigningKeys,
    signedBy: "current" | "previous",
    nowMs: number,
  ): KeyringState {
    const next = this.#next(readAnnounced(keys), nowMs);
    if (isSame(next, this.#state)) return this.#state;
    if (signedBy !== "current") {
      throw new RefusedKeysError(
        "not_current",
        "only the current key may change keys",
      );
    }
    return { ...next, signedChange: true };
  }

  /**
   * What the keys of an unsigned state document make of the keys. Such a
   * document adds keys but never shortens the time of one.
   *
   * @param options.allowed Whether pulls may change keys at all: configuration
   * permits it and the connection is private.
   * @throws {RefusedKeysError} kind "bad_key", "retired", or "unconfirmed" when
   * it would change keys but may not.
   */
  planPullChange(
    keys: SigningKeys,
    options: { readonly allowed: boolean },
    nowMs: number,
  ): KeyringState | "unchanged" {
    const next = this.#next(readAnnounced(keys), nowMs);
    const adopts = next.current !== this.#state.current ||
      (next.previous !== undefined && next.previous !== this.#state.previous);
    if (!adopts) return "unchanged";
    if (this.#state.signedChange || !options.allowed) {
      throw new RefusedKeysError(
        "unconfirmed",
        "an unsigned state may not change them",
      );
    }
    return next;
  }

  #next(announced: Announced, nowMs: number): KeyringState {
    const { current } = announced;
    const state = this.#state;
    const stays = current.text === this.#held.current.text;
    if (!stays && state.retired.includes(current.fingerprint)) {
      throw new RefusedKeysError("retired", "the current key was retired once");
    }
    const grace = this.#grace(announced, stays, nowMs);
    const retired = new Set(state.retired);
    if (!stays) retired.add(this.#held.current.fingerprint);
    if (grace) retired.add(grace.key.fingerprint);
    const { currentId, previousId } = announced;
    return {
      current: current.text,
      ...(currentId === undefined ? {} : { currentId }),
      ...(grace
        ? { previous: grace.key.text, transitionExpiresMs: grace.endMs }
        : {}),
      ...(grace && previousId !== undefined ? { previousId } : {}),
      retired: [...retired],
      signedChange: state.signedChange,
    };
  }

  /** The key that goes on verifying beside the announced one, and until when. */
  #grace(
    announced: Announced,
    stays: boolean,
    nowMs: number,
  ): { key: SigningKey; endMs: number } | undefined {
    const { current, expiresMs } = announced;
    if (expiresMs === undefined || expiresMs <= nowMs) return undefined;
    const key = this.#previousOf(announced, stays);
    if (!key || key.text === current.text) return undefined;

    const endMs = Math.min(expiresMs, nowMs + LONGEST_TRANSITION_MS);
    if (key.text === this.#held.current.text) return { key, endMs };
    if (stays && key.text === this.#state.previous) {
      // Announced again and again, a transition would never end.
      const { transitionExpiresMs = nowMs } = this.#state;
      return { key, endMs: Math.min(endMs, transitionExpiresMs) };
    }
    // The key before the one before: dropped, as refusing the whole
    // announcement would leave the node with keys nobody signs with.
    if (this.#state.retired.includes(key.fingerprint)) return undefined;
    return { key, endMs };
  }

  /** The key that an announcement calls the previous one. */
  #previousOf(announced: Announced, stays: boolean): SigningKey | undefined {
    const { previous, currentId, previousId } = announced;
    if (previous) return previous;
    if (currentId === undefined) {
      // A transition without a key named is that of the key in use until now.
      return stays ? undefined : this.#held.current;
    }
    // Dialect 2 names it, and only a key that is held can be meant.
    if (previousId === undefined) return undefined;
    if (previousId === this.#state.currentId) return this.#held.current;
    if (previousId === this.#state.previousId) return this.#held.previous;
    return undefined;
  }
}

function holdKeys(current: string, previous: string | undefined): Held {
  return {
    current: readKey("current", current),
    ...(previous === undefined
      ? {}
      : { previous: readKey("previous", previous) }),
  };
}

function readAnnounced(keys: SigningKeys): Announced {
  const { currentId, previousId } = keys;
  const held = {
    ...holdKeys(keys.current, keys.previous),
    ...(currentId === undefined ? {} : { currentId }),
    ...(previousId === undefined ? {} : { previousId }),
  };
  if (keys.transitionExpires === undefined) return held;
  const expires = parseRfc3339(keys.transitionExpires);
  if (!expires) {
    throw new RefusedKeysError("bad_key", "transition_expires is not RFC 3339");
  }
  return { ...held, expiresMs: expires.ms };
}

function readKey(name: string, text: string): SigningKey {
  const key = importSigningKey(text);
  if (key) return key;
  throw new RefusedKeysError("bad_key", `the ${name} key is no Ed25519 key`);
}

function isSame(a: KeyringState, b: KeyringState): boolean {
  return a.current === b.current && a.previous === b.previous &&
    a.currentId === b.currentId && a.previousId === b.previousId &&
    a.transitionExpiresMs === b.transitionExpiresMs;
}
