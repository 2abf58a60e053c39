import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import { isoTime } from "../platform/clock.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { SnapshotRef } from "../store/snapshot_pointer.ts";
import type { ActiveSnapshot } from "../store/snapshot_store.ts";
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
 * an event has brought since then comes again with the next pull. Where states
 * are not signed, a sealed copy of what the last one granted does the same.
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
  if (active && isRevoked(store, active)) {
    const { ref, snapshot } = active;
    store.recovered({
      file: `snapshots/${ref.epoch}-${ref.version}.sealed`,
      what: `the key that signed it is revoked: ${snapshot.keyId}`,
      action: "not used; a pull has to bring another",
    });
    await restoreUnsigned(store, nodeId, io);
    return undefined;
  }
  if (active?.snapshot.scope !== `node:${nodeId}`) {
    await restoreUnsigned(store, nodeId, io);
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

/** Whoever has the key could have written it, since nobody knows when. */
function isRevoked(
  { trustBundle }: Membership,
  { snapshot: { keyId } }: ActiveSnapshot,
): boolean {
  return trustBundle.load()?.revokedKeyIds.includes(keyId) ?? false;
}

/** Policies and services change with pulls only: others are a repair. */
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
      what: `${what} the last pulled state does not hold`,
      action: "written anew from its sealed copy",
    });
  if (after.policies !== before.policies) tell("directory", "policies that");
  const isOther = JSON.stringify(after.services) !== JSON.stringify(held);
  if (isOther) tell("services", "services that");
}

const NOTHING: Granted = { peers: [], policies: [], services: [] };

/**
 * What the last unsigned state granted, as long as none was signed; whatever is
 * not sealed waits for the next pull.
 */
async function restoreUnsigned(
  store: Membership,
  nodeId: string,
  { clock, log }: Platform,
) {
  const hasSigned = store.marks.load().snapshot !== undefined;
  const granted = hasSigned ? undefined : await store.granted.load(nodeId);
  try {
    if (granted) return await restoreGranted(store, granted, clock.now());
    const { peers, policies, services } = store.state.view;
    const held = [peers, policies, services];
    if (held.every(({ length }) => length === 0)) return;
    await store.state.update(() => NOTHING);
    log.info("Peers, policies and services wait for the next pull");
  } catch (error) {
    log.warn("What the last state granted could not be restored", {
      error: describeError(error),
    });
  }
}

function isBehind({ position, complete }: StateView, ref: SnapshotRef) {
  if (!position) return true;
  const order = comparePositions(position, ref);
  // What is newer came by events; a pull makes it whole.
  return order < 0 || (order === 0 && !complete);
}
