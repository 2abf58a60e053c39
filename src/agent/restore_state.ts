import { describeError, type Logger } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { isoTime } from "../platform/clock.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import { PART_FILES } from "../store/state_files.ts";
import type { StateView } from "../store/state_view.ts";
import { withLocalVersions } from "../sync/local_versions.ts";
import { changeTo } from "../sync/pulled_state.ts";
import {
  contentParser,
  type Granted,
  grantedBy,
} from "../wire/content_parser.ts";
import { servicesAt } from "../wire/service_assignment.ts";
import { comparePositions } from "../wire/state.ts";

/**
 * Finds the active snapshot, or the one before it when that is damaged, and
 * builds the state anew from it where the state is older or damaged: what is
 * served is never less than what was activated. Peers, policies and services are
 * taken from it in any case: files that are not sealed grant nothing. A peer that
 * an event has brought since then comes again with the next pull. Without any
 * snapshot no service is left.
 *
 * @returns undefined when there is no snapshot of this node.
 * @see design, section 4 "Durability", rule 5; seed Node Local State Store,
 * section 2
 */
export async function restoreState(
  store: Membership,
  { nodeId, dialect }: Pick<Identity, "nodeId" | "dialect">,
  io: Platform,
): Promise<SnapshotRef | undefined> {
  store.snapshots.dropLeftOver();
  const active = await store.snapshots.load();
  if (active?.snapshot.scope !== `node:${nodeId}`) {
    await endServices(store, io.log);
    return undefined;
  }
  const { ref, snapshot: { content } } = active;
  const { clock, log } = io;
  const { epoch, version } = ref;
  try {
    if (!isBehind(store.state.view, ref)) {
      await restoreGranted(store, grantedBy(content, dialect), clock.now());
      return ref;
    }
    const desired = {
      ...contentParser(dialect)(content),
      position: { epoch, version },
    };
    const nowMs = clock.now();
    await store.state.update((view) =>
      changeTo(withLocalVersions(desired, view, isoTime(nowMs)), nowMs)
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

/** Policies and services change with snapshots only: others are a repair. */
async function restoreGranted(
  { state, recovered }: Membership,
  { peers, policies, services }: Granted,
  nowMs: number,
) {
  const before = state.view;
  const held = servicesAt(before.services, nowMs);
  const after = await state.update(() => ({
    peers,
    policies,
    services: servicesAt(services, nowMs),
  }));
  const tell = (part: "directory" | "services", what: string) =>
    recovered({
      file: PART_FILES[part],
      what: `${what} the active snapshot does not hold`,
      action: "written anew from it",
    });
  if (after.policies !== before.policies) tell("directory", "policies that");
  const isOther = JSON.stringify(after.services) !== JSON.stringify(held);
  if (isOther) tell("services", "services that");
}

/** Where no signed state can be asked, nothing proves that any is assigned. */
async function endServices({ state }: Membership, log: Logger) {
  if (state.view.services.length === 0) return;
  try {
    await state.update(() => ({ services: [] }));
    log.info("Services end: no signed state says that they are assigned");
  } catch (error) {
    log.warn("Services could not be ended", { error: describeError(error) });
  }
}

function isBehind({ position, complete }: StateView, ref: SnapshotRef) {
  if (!position) return true;
  const order = comparePositions(position, ref);
  // What is newer came by events; a pull makes it whole.
  return order < 0 || (order === 0 && !complete);
}
