import { inTurn } from "../platform/in_turn.ts";
import { wallTimeOf } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type {
  KeyRotationRecord,
  PendingRotation,
} from "../store/key_rotation_store.ts";
import type { NodeKeyPair } from "../store/identity.ts";
import { createNodeKeyPair } from "../trust/node_keys.ts";
import {
  AFTER_FAILURE,
  ControlError,
  type ControlFailure,
} from "../uplink/control_error.ts";
import { FailureSeries } from "../uplink/failure_series.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import type { Peer } from "../wire/state.ts";

/** Where the key that is to take over is kept. */
export interface RotationPort {
  readonly record: KeyRotationRecord;
  pending(): Promise<PendingRotation | undefined>;
  prepare(pair: NodeKeyPair): Promise<PendingRotation>;
  confirm(): boolean;
  drop(): void;
}

/** Options for {@linkcode KeyRotation}. */
export interface KeyRotationOptions {
  readonly store: RotationPort;
  readonly uplink: Pick<NodeUplink, "rotateKeys">;
  /** Takes the peers that the control plane says have changed. */
  readonly onPeers: (peers: readonly Peer[]) => Promise<unknown>;
  /** Makes a key pair. @default a new X25519 pair */
  readonly createPair?: () => Promise<NodeKeyPair>;
  readonly io: Platform;
}

/** How rotating goes, beside what is on disk. */
export interface KeyRotationStatus extends KeyRotationRecord {
  readonly lastError?: string;
  /** Ms since the Unix epoch. */
  readonly nextTryMs?: number;
}

/** A control plane that refuses is asked again after this. */
const REFUSED_WAIT_MS = 600_000;

/**
 * A hint that stays up, or was on its way while the key rotated, must not
 * rotate again and again: hints count only this long after the last try ended.
 */
const BETWEEN_HINTS_MS = 300_000;

/** Failures after which nobody knows whether the control plane took the key. */
const UNKNOWN_OUTCOME: readonly ControlFailure[] = [
  "unreachable",
  "timeout",
  "bad_answer",
  "server",
];

/**
 * Replaces the node's X25519 key when the control plane asks for it.
 *
 * The new pair is on disk before it is announced, and the old one stays until
 * the announcement is confirmed: so an answer that got lost, or a crash, leads
 * to the same announcement once more.
 *
 * @see docs/wire.md, sections a.3 and h.3; design, section 6
 */
export class KeyRotation implements Part {
  readonly name = "key_rotation";
  readonly #options: KeyRotationOptions;
  readonly #failures: FailureSeries;
  #wake: (() => void) | undefined;
  #lastEndedMs: number | undefined;
  #lastError: string | undefined;
  /** Monotonic. */
  #nextTryMs: number | undefined;
  /** What the control plane has confirmed, though the disk may not say so. */
  #taken: string | undefined;

  constructor(options: KeyRotationOptions) {
    this.#options = options;
    this.#failures = new FailureSeries({
      baseMs: 1_000,
      maxMs: 60_000,
      ...options.io,
    });
  }

  get status(): KeyRotationStatus {
    return {
      ...this.#options.store.record,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#nextTryMs === undefined
        ? {}
        : { nextTryMs: wallTimeOf(this.#nextTryMs, this.#options.io.clock) }),
    };
  }

  /**
   * Asks for a rotation; one that is under way already counts as this one.
   * Once it resolves, the rotation survives a restart.
   *
   * @returns whether a new one was begun.
   * @throws {StoreWriteError} when the new key could not be stored.
   */
  async request(reason: string): Promise<boolean> {
    const { store, createPair = createNodeKeyPair, io } = this.#options;
    const isNew = await inTurn(this, async () => {
      if (await store.pending()) return false;
      const pair = await createPair();
      await store.prepare(pair);
      // From here on it is on disk, sealed.
      pair.privateKey.fill(0);
      return true;
    });
    if (isNew) io.log.info("Rotation of the node's key begins", { reason });
    this.#wake?.();
    return isNew;
  }

  /** A heartbeat's hint: like {@linkcode request}, but not too often. */
  onHint(): void {
    const { clock } = this.#options.io;
    const isSoon = this.#lastEndedMs !== undefined &&
      clock.elapsed() - this.#lastEndedMs < BETWEEN_HINTS_MS;
    if (!isSoon) void this.#tryToBegin("heartbeat");
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    const { record } = this.#options.store;
    // What is found at the start may have been announced before a crash.
    let isFound = record.pending !== undefined;
    try {
      if (record.isLost) await this.#tryToBegin("its record was damaged");
      while (!signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        const { pending } = this.#options.store.record;
        if (pending) await this.#rotate(isFound, signal);
        else await promise;
        isFound = false;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  async #tryToBegin(reason: string) {
    try {
      await this.request(reason);
    } catch (error) {
      this.#lastError = describeError(error);
      this.#options.io.log.warn("The node's key cannot be rotated", {
        error: this.#lastError,
      });
    }
  }

  #pending(): Promise<PendingRotation | undefined> {
    return inTurn(this, () => this.#options.store.pending());
  }

  /** Announces the pending key until that is decided. */
  async #rotate(wasAnnounced: boolean, signal: AbortSignal) {
    const { clock, log } = this.#options.io;
    let isUnknown = wasAnnounced;
    for (;;) {
      try {
        await this.#attempt(isUnknown, signal);
        this.#lastEndedMs = clock.elapsed();
        this.#nextTryMs = undefined;
        this.#failures.end();
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        isUnknown ||= hasUnknownOutcome(error);
        const wait_ms = Math.round(this.#waitAfter(error));
        this.#lastError = describeError(error);
        this.#nextTryMs = clock.elapsed() + wait_ms;
        log.warn("The node's new key is not confirmed yet", {
          attempt: this.#failures.count,
          wait_ms,
          error: this.#lastError,
        });
        await clock.sleep(wait_ms, signal);
      }
    }
  }

  /** @throws when it is to be tried again. */
  async #attempt(isUnknown: boolean, signal: AbortSignal) {
    const { store, io } = this.#options;
    const pending = await this.#pending();
    if (!pending) return;
    const { publicKey, confirmed } = pending;
    // Announced once more, it could be refused as what nobody has asked for.
    const peers = confirmed || publicKey === this.#taken
      ? []
      : await this.#announce(publicKey, isUnknown, signal);
    if (!peers) return store.drop();
    this.#taken = publicKey;
    if (!store.confirm()) return;
    this.#lastError = undefined;
    io.log.info("The node's key has been rotated", { public_key: publicKey });
    if (peers.length > 0) await this.#tellPeers(peers);
  }

  /**
   * @returns the peers that changed with the key; undefined when the control
   * plane will not have it.
   */
  async #announce(
    publicKey: string,
    isUnknown: boolean,
    signal: AbortSignal,
  ): Promise<readonly Peer[] | undefined> {
    const { uplink, io } = this.#options;
    try {
      return await uplink.rotateKeys(publicKey, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const verdict = verdictOn(error, isUnknown);
      if (verdict === "later") throw error;
      if (verdict === "confirmed") return [];
      this.#lastError = describeError(error);
      io.log.warn("The node's new key is dropped, the present one stays", {
        error: this.#lastError,
      });
      return undefined;
    }
  }

  /** The next pull brings them too, so a failure changes nothing. */
  async #tellPeers(peers: readonly Peer[]) {
    const { onPeers, io } = this.#options;
    try {
      await onPeers(peers);
    } catch (error) {
      io.log.warn("Peers of the rotated key could not be stored", {
        error: describeError(error),
      });
    }
  }

  #waitAfter(failure: unknown): number {
    const wait = this.#failures.add(failure);
    if (!(failure instanceof ControlError)) return wait;
    const isRefusal = AFTER_FAILURE[failure.kind].registration === "stop";
    return isRefusal ? Math.max(wait, REFUSED_WAIT_MS) : wait;
  }
}

/** What a failed announcement means for the pending key. */
type Verdict = "confirmed" | "void" | "later";

/** @param isUnknown An earlier announcement of this key may have arrived. */
function verdictOn(error: unknown, isUnknown: boolean): Verdict {
  if (!(error instanceof ControlError)) return "later";
  switch (error.code) {
    case "keys_rotate_public_key_unchanged":
      return "confirmed";
    case "keys_rotate_no_pending_rotation":
      // The answer that got lost was the one that ended it.
      return isUnknown ? "confirmed" : "void";
    case "keys_rotate_public_key_invalid":
      return "void";
    default:
      return error.kind === "unsupported" ? "void" : "later";
  }
}

/** A control plane that has no such part (501) has certainly not taken it. */
function hasUnknownOutcome(error: unknown): boolean {
  return error instanceof ControlError &&
    UNKNOWN_OUTCOME.includes(error.kind) && error.status !== 501;
}
