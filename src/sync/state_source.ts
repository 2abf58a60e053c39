import type { Platform } from "../platform/platform.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import type { Marks } from "../store/trust_marks.ts";
import type { Keyring } from "../trust/keyring.ts";
import {
  RefusedSnapshotError,
  type VerifiedSnapshot,
  verifySnapshot,
} from "../trust/verify_snapshot.ts";
import { decodeAnswer } from "../uplink/decode_answer.ts";
import type { PulledAnswer } from "../uplink/state_pulls.ts";
import type { Granted } from "../wire/content_parser.ts";
import type { Dialect } from "../wire/dialect.ts";
import {
  parseSignedSnapshot,
  type SignedSnapshot,
} from "../wire/signed_snapshot.ts";
import type { DesiredState, StatePosition } from "../wire/state.ts";
import type { Degraded } from "./degraded.ts";
import { RefusedStateError } from "./pulled_state.ts";
import type { FetchedState } from "./reconciler.ts";
import type { SnapshotLifetime } from "./snapshot_lifetime.ts";
import type { TrustBundles } from "./trust_bundles.ts";

/** Where snapshots are kept. */
export interface SnapshotPort {
  stage(text: string): Promise<void>;
  discardPending(): void;
  activate(ref: Omit<SnapshotRef, "activatedAtMs">): Promise<SnapshotRef>;
}

/** Where it is kept what unsigned states grant. */
export interface GrantedPort {
  save(nodeId: string, granted: Granted): Promise<void>;
}

/** Where high-water marks are kept. */
export interface MarksPort {
  load(): Marks;
  save(marks: Marks): void;
}

/** Options for {@linkcode StateSource}. */
export interface StateSourceOptions {
  readonly uplink: {
    pullState(
      applied: StatePosition | undefined,
      signal: AbortSignal,
    ): Promise<PulledAnswer>;
  };
  readonly snapshots: SnapshotPort;
  readonly marks: MarksPort;
  readonly granted: GrantedPort;
  readonly keyring: Keyring;
  readonly bundles: TrustBundles;
  readonly lifetime: SnapshotLifetime;
  readonly nodeId: string;
  readonly dialect: Dialect;
  /** Reads the content of a snapshot, in the node's dialect. */
  readonly parse: (content: string) => DesiredState;
  /** Refuses unsigned states from the start. @default {false} */
  readonly requireSigned?: boolean;
  /** Enters any epoch, as if an operator had accepted it. @default {false} */
  readonly acceptNewEpoch?: boolean;
  readonly degraded: Degraded;
  readonly io: Platform;
}

/**
 * The same snapshot, issued anew, takes the place of the active one when it
 * holds longer by this share of its lifetime: a quiet node need not write every
 * time it asks.
 */
const WORTH_KEEPING = 0.1;

/**
 * Where the reconciler gets states from: pulls them, and lets through only what
 * this node may believe. Once a state was signed, none may be unsigned.
 *
 * @see design, section 8 "Signed snapshots"; seed Node Local State Store,
 * section 4 "Snapshot State"
 */
export class StateSource {
  readonly #options: StateSourceOptions;

  constructor(options: StateSourceOptions) {
    this.#options = options;
  }

  /**
   * @throws {RefusedStateError | RefusedSnapshotError | ControlError}
   * @throws {StoreWriteError} when it could not be put on disk to be checked.
   */
  async fetchState(signal: AbortSignal): Promise<FetchedState> {
    const { uplink, bundles, lifetime } = this.#options;
    const answer = await uplink.pullState(lifetime.active, signal);
    if (answer.kind === "plain") return this.#plain(answer.state);
    await bundles.follow(answer.bundleVersion, signal);
    return await this.#signed(answer.text, signal);
  }

  #plain(state: DesiredState): FetchedState {
    const { marks, granted, nodeId, requireSigned = false, degraded } =
      this.#options;
    const { snapshot, signedRequired } = marks.load();
    const why = snapshot
      ? "it is not signed, though one before was"
      : signedRequired
      ? "it is not signed, though the control plane said that every one is"
      : requireSigned
      ? "it is not signed, and trust.require_signed_snapshots is set"
      : undefined;
    if (why !== undefined) throw new RefusedStateError("unsigned", why);
    const detail = "the control plane does not sign the state of a pull";
    degraded.raise("unsigned_state", { detail });
    const { peers, policies, services = [] } = state;
    const activate = () => granted.save(nodeId, { peers, policies, services });
    return { ...state, activate };
  }

  async #signed(text: string, signal: AbortSignal): Promise<FetchedState> {
    const { snapshots, parse } = this.#options;
    const read = decodeAnswer("state", () => parseSignedSnapshot(text));
    const isKept = this.#isWorthKeeping(read);
    if (isKept) await snapshots.stage(text);
    try {
      const snapshot = await this.#verified(read, signal);
      const { epoch, version, signedBy } = snapshot;
      const state = decodeAnswer("state", () => parse(snapshot.content));
      return {
        ...state,
        position: { epoch, version },
        signedBy,
        ...(isKept ? { activate: () => this.#activate(snapshot) } : {}),
      };
    } catch (error) {
      if (isKept) snapshots.discardPending();
      throw error;
    }
  }

  /** A key that is not known may be one that the roots vouch for by now. */
  async #verified(
    snapshot: SignedSnapshot,
    signal: AbortSignal,
  ): Promise<VerifiedSnapshot> {
    try {
      return this.#verify(snapshot);
    } catch (error) {
      const isUnknown = error instanceof RefusedSnapshotError &&
        error.kind === "unknown_key_id";
      if (!isUnknown || !await this.#options.bundles.refresh(signal)) {
        throw error;
      }
      return this.#verify(snapshot);
    }
  }

  #verify(snapshot: SignedSnapshot): VerifiedSnapshot {
    const { keyring, bundles, nodeId, dialect, io } = this.#options;
    const { marks: store, acceptNewEpoch = false } = this.#options;
    const marks = store.load();
    try {
      return verifySnapshot(snapshot, {
        keyring,
        nodeId,
        dialect,
        revokedKeyIds: bundles.revokedKeyIds,
        ...(marks.snapshot ? { mark: marks.snapshot } : {}),
        acceptedEpoch: acceptNewEpoch
          ? Number.MAX_SAFE_INTEGER
          : marks.acceptedEpoch,
      }, io.clock.now());
    } catch (error) {
      const isOffer = error instanceof RefusedSnapshotError &&
        error.kind === "unknown_epoch";
      if (isOffer && marks.offeredEpoch !== snapshot.epoch) {
        store.save({ ...marks, offeredEpoch: snapshot.epoch });
      }
      throw error;
    }
  }

  async #activate(snapshot: VerifiedSnapshot): Promise<void> {
    const { snapshots, lifetime, degraded, io } = this.#options;
    const { epoch, version, contentSha256 } = snapshot;
    const { issuedAtMs, expiresAtMs, keyId } = snapshot;
    const ref = await snapshots.activate({
      epoch,
      version,
      contentSha256,
      issuedAtMs,
      expiresAtMs,
      keyId,
    });
    lifetime.activated(ref);
    degraded.clear("unsigned_state");
    io.log.debug("Signed state activated", { epoch, version });
  }

  #isWorthKeeping(snapshot: SignedSnapshot): boolean {
    const { active } = this.#options.lifetime;
    const isSame = active?.epoch === snapshot.epoch &&
      active.version === snapshot.version &&
      active.contentSha256 === snapshot.contentSha256;
    // Signed with a key that is revoked by now, it would not be used again.
    const isRevoked = active?.keyId !== undefined &&
      this.#options.bundles.revokedKeyIds.has(active.keyId);
    if (!isSame || isRevoked) return true;
    const gainMs = Date.parse(snapshot.expiresAt) - active.expiresAtMs;
    return gainMs > (active.expiresAtMs - active.issuedAtMs) * WORTH_KEEPING;
  }
}
