import { decodeBase64 } from "../wire/base64.ts";
import type { Dialect } from "../wire/dialect.ts";
import { parseRfc3339 } from "../wire/rfc3339.ts";
import {
  contentHash,
  type SignedSnapshot,
  snapshotSignedText,
} from "../wire/signed_snapshot.ts";
import { comparePositions, type StatePosition } from "../wire/state.ts";
import type { Keyring } from "./keyring.ts";
import { EVENT_WINDOW_MS } from "./replay_window.ts";

/** A signed snapshot was not activated. The active one stays in use. */
export class RefusedSnapshotError extends Error {
  override readonly name = "RefusedSnapshotError";

  constructor(
    readonly kind:
      | "foreign"
      | "dialect"
      | "unknown_key_id"
      | "revoked_key"
      | "signature"
      | "hash"
      | "future"
      | "expired"
      | "unknown_epoch"
      | "rolled_back"
      | "equivocation",
    message: string,
  ) {
    super(`Snapshot refused: ${message}`);
  }
}

/** The newest snapshot that was ever activated. Nothing older ever is again. */
export interface HighWaterMark extends StatePosition {
  /** Base64, as in the snapshot. */
  readonly contentSha256: string;
}

declare const verified: unique symbol;
/** A snapshot whose signature, scope, hash, times and place have been checked. */
export type VerifiedSnapshot = SignedSnapshot & {
  /** Ms since the Unix epoch. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Which of the trusted keys signed it. */
  readonly signedBy: "current" | "previous";
  readonly [verified]: true;
};

/** What a snapshot is held against. */
export interface SnapshotTrust {
  readonly keyring: Keyring;
  readonly nodeId: string;
  readonly dialect: Dialect;
  /** Ids of keys that must not be believed any more. */
  readonly revokedKeyIds: ReadonlySet<string>;
  /** Absent before the first snapshot. */
  readonly mark?: HighWaterMark;
  /** Latest epoch that may be entered without a mark in it. */
  readonly acceptedEpoch: number;
}

/**
 * Checks everything about a snapshot that comes from outside: scope, dialect,
 * key, signature, hash, times, and place in the history, in this order. One
 * that is the active one again passes.
 *
 * @throws {RefusedSnapshotError}
 * @see design, section 8 "Signed snapshots"
 */
export function verifySnapshot(
  snapshot: SignedSnapshot,
  trust: SnapshotTrust,
  nowMs: number,
): VerifiedSnapshot {
  if (snapshot.scope !== `node:${trust.nodeId}`) {
    throw new RefusedSnapshotError("foreign", "it is for another node");
  }
  if (snapshot.dialect !== trust.dialect) {
    throw new RefusedSnapshotError(
      "dialect",
      `it is of dialect ${snapshot.dialect}, this node's is ${trust.dialect}`,
    );
  }
  const signedBy = checkSignature(snapshot, trust, nowMs);
  if (contentHash(snapshot.content) !== snapshot.contentSha256) {
    throw new RefusedSnapshotError("hash", "its content is another one");
  }
  const times = checkTimes(snapshot, nowMs);
  checkPlace(snapshot, trust);
  return { ...snapshot, ...times, signedBy } as VerifiedSnapshot;
}

function checkSignature(
  snapshot: SignedSnapshot,
  { keyring, revokedKeyIds }: SnapshotTrust,
  nowMs: number,
): "current" | "previous" {
  const { keyId } = snapshot;
  if (revokedKeyIds.has(keyId)) {
    throw new RefusedSnapshotError("revoked_key", "its key is revoked");
  }
  const signer = keyring.keyWithFingerprint(keyId, nowMs);
  if (!signer) {
    throw new RefusedSnapshotError("unknown_key_id", "its key is not trusted");
  }
  const message = new TextEncoder().encode(snapshotSignedText(snapshot));
  const signature = decodeBase64(snapshot.signature);
  if (signature && keyring.verifies(signer, message, signature)) return signer;
  throw new RefusedSnapshotError("signature", "its signature is wrong");
}

function checkTimes({ issuedAt, expiresAt }: SignedSnapshot, nowMs: number) {
  const issuedAtMs = msOf(issuedAt);
  const expiresAtMs = msOf(expiresAt);
  if (issuedAtMs > nowMs + EVENT_WINDOW_MS) {
    throw new RefusedSnapshotError("future", "it was issued in the future");
  }
  if (expiresAtMs <= nowMs || expiresAtMs <= issuedAtMs) {
    throw new RefusedSnapshotError("expired", "it has expired");
  }
  return { issuedAtMs, expiresAtMs };
}

function checkPlace(
  snapshot: SignedSnapshot,
  { mark, acceptedEpoch }: SnapshotTrust,
) {
  if (!mark) return;
  if (snapshot.epoch > Math.max(mark.epoch, acceptedEpoch)) {
    throw new RefusedSnapshotError(
      "unknown_epoch",
      `epoch ${snapshot.epoch} has not been accepted: ` +
        "was the control plane restored? " +
        'Then confirm it with "plexd store accept-epoch"',
    );
  }
  const order = comparePositions(snapshot, mark);
  if (order < 0) {
    throw new RefusedSnapshotError(
      "rolled_back",
      "it is older than one that was activated",
    );
  }
  if (order === 0 && snapshot.contentSha256 !== mark.contentSha256) {
    throw new RefusedSnapshotError(
      "equivocation",
      "another one with the same epoch and version was activated",
    );
  }
}

/** @throws {RangeError} never for a snapshot that was parsed. */
function msOf(text: string): number {
  const time = parseRfc3339(text);
  if (!time) throw new RangeError("A snapshot's time is not RFC 3339");
  return time.ms;
}
