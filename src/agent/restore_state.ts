import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { isoTime } from "../platform/clock.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import type { StateView } from "../store/state_view.ts";
import { withLocalVersions } from "../sync/local_versions.ts";
import { changeTo } from "../sync/pulled_state.ts";
import { contentParser } from "../wire/content_parser.ts";
import { comparePositions } from "../wire/state.ts";

/**
 * Finds the active snapshot, or the one before it when that is damaged, and
 * builds the state anew from it where the state is older or damaged: what is
 * served is never less than what was activated.
 *
 * @returns undefined when there is no snapshot of this node.
 * @see design, section 4 "Durability", rule 5
 */
export async function restoreState(
  store: Membership,
  { nodeId, dialect }: Pick<Identity, "nodeId" | "dialect">,
  { clock, log }: Platform,
): Promise<SnapshotRef | undefined> {
  store.snapshots.dropLeftOver();
  const active = await store.snapshots.load();
  if (active?.snapshot.scope !== `node:${nodeId}`) return undefined;
  const { ref, snapshot } = active;
  if (!isBehind(store.state.view, ref)) return ref;
  const content = contentParser(dialect)(snapshot.content);
  const { epoch, version } = ref;
  const desired = { ...content, position: { epoch, version } };
  const now = isoTime(clock.now());
  try {
    await store.state.update((view) =>
      changeTo(withLocalVersions(desired, view, now))
    );
    log.info("State built from the active snapshot", { epoch, version });
  } catch (error) {
    // A disk that takes nothing serves what it holds; the next pull tries again.
    log.warn("State could not be built from the active snapshot", {
      error: describeError(error),
    });
  }
  return ref;
}

function isBehind({ position, complete }: StateView, ref: SnapshotRef) {
  if (!position) return true;
  const order = comparePositions(position, ref);
  // What is newer came by events; a pull makes it whole.
  return order < 0 || (order === 0 && !complete);
}
