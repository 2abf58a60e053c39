import { decodeBase64 } from "../wire/base64.ts";
import { keyIdOf } from "../wire/key_id.ts";
import { comparePositions } from "../wire/state.ts";
import { BackupError } from "./backup_file.ts";
import type { StoredBundle } from "./trust_bundle_store.ts";
import type { Marks } from "./trust_marks.ts";
import type { KeyringRecord } from "./trust_store.ts";

/**
 * Marks of a backup and of the node: the larger of each.
 *
 * @throws {BackupError} when both know another snapshot under one number.
 */
export function mergeMarks(backup: Marks, own: Marks): Marks {
  const snapshot = laterMark(backup.snapshot, own.snapshot);
  return {
    ...backup,
    ...own,
    ...(snapshot ? { snapshot } : {}),
    acceptedEpoch: Math.max(backup.acceptedEpoch, own.acceptedEpoch),
    signedRequired: backup.signedRequired || own.signedRequired,
  };
}

function laterMark(a: Marks["snapshot"], b: Marks["snapshot"]) {
  if (!a || !b) return a ?? b;
  const order = comparePositions(a, b);
  if (order === 0 && a.contentSha256 !== b.contentSha256) {
    throw new BackupError(
      `it knows another snapshot ${a.epoch}-${a.version} than this node`,
    );
  }
  return order > 0 ? a : b;
}

/**
 * Keys of a backup and of the node. Of two current keys the one that the other
 * side has not retired counts; in doubt, the node's own. What either side has
 * retired stays retired.
 */
export function mergeKeys(
  backup: KeyringRecord | undefined,
  own: KeyringRecord | undefined,
): KeyringRecord | undefined {
  if (!backup || !own) return backup ?? own;
  const isNewer = backup.retired.includes(fingerprintOf(own.current)) &&
    !own.retired.includes(fingerprintOf(backup.current));
  return {
    ...(isNewer ? backup : own),
    retired: [...new Set([...own.retired, ...backup.retired])],
    signedChange: own.signedChange || backup.signedChange,
  };
}

function fingerprintOf(key: string): string {
  return keyIdOf(decodeBase64(key) ?? new Uint8Array());
}

/** The bundle with the larger version; what either has revoked stays so. */
export function mergeBundles(
  backup: StoredBundle | undefined,
  own: StoredBundle | undefined,
): StoredBundle | undefined {
  if (!backup || !own) return backup ?? own;
  const revokedKeyIds = [
    ...new Set([...own.revokedKeyIds, ...backup.revokedKeyIds]),
  ];
  return { ...(backup.version > own.version ? backup : own), revokedKeyIds };
}
