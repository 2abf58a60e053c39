import { describeError, type Logger } from "../platform/log.ts";
import type { Membership } from "../store/membership.ts";
import { NO_MARKS } from "../store/trust_marks.ts";
import type { AnnouncedTrust } from "../sync/registration_answer.ts";
import { RefusedBundleError, verifyBundle } from "../trust/verify_bundle.ts";
import { ShapeError } from "../wire/shape_error.ts";
import { parseTrustBundle } from "../wire/trust_bundle.ts";

type TrustStores = Pick<Membership, "marks" | "snapshots" | "trustBundle">;

/**
 * Forgets snapshots and marks of the node that this one was until now: they
 * would refuse the new one's.
 *
 * @param sameControlPlane Then what it has once signed must go on being signed.
 */
export async function forgetSnapshots(
  { marks, snapshots, trustBundle }: TrustStores,
  sameControlPlane: boolean,
): Promise<void> {
  await snapshots.forget();
  if (sameControlPlane) {
    const { snapshot, signedRequired } = marks.load();
    const isSigned = signedRequired || snapshot !== undefined;
    marks.save({ ...NO_MARKS, signedRequired: isSigned });
    return;
  }
  // Not even read: they may be damaged, which is why the node joins anew.
  marks.save(NO_MARKS);
  trustBundle.forget();
}

/**
 * Keeps what a control plane announces of signed states when a node joins: the
 * root, the bundle if that root has signed it, and whether all is signed.
 *
 * @throws {StoreWriteError}
 */
export function pinTrust(
  { marks, trustBundle }: TrustStores,
  { root, bundle, signedRequired }: AnnouncedTrust,
  log: Logger,
): void {
  if (signedRequired) marks.save({ ...marks.load(), signedRequired });
  if (root === undefined) return;
  const none = { revokedKeyIds: [], version: 0, signedText: "" };
  const pinned = { roots: [root], ...none };
  trustBundle.save(pinned);
  if (bundle === undefined) return;
  try {
    const { roots, version, revokedKeyIds, signedText } = verifyBundle(
      parseTrustBundle(bundle),
      pinned,
    );
    trustBundle.save({
      // One that is about to take over is among them.
      roots: roots.length > 0 ? roots : [root],
      version,
      revokedKeyIds,
      signedText,
    });
  } catch (error) {
    if (!(error instanceof RefusedBundleError || error instanceof ShapeError)) {
      throw error;
    }
    // The root alone will do: a good one is asked for with the first state.
    log.warn("The announced trust bundle was not taken", {
      error: describeError(error),
    });
  }
}
