import {
  applyChange,
  sameParts,
  type StateChange,
  type StateView,
} from "../store/state_view.ts";
import { servicesAt } from "../wire/service_assignment.ts";
import { comparePositions, type DesiredState } from "../wire/state.ts";

/** A pulled state was not applied. The stored one stays in use. */
export class RefusedStateError extends Error {
  override readonly name = "RefusedStateError";

  constructor(
    readonly kind: "foreign" | "rolled_back" | "equivocation" | "unsigned",
    message: string,
  ) {
    super(`State refused: ${message}`);
  }
}

/**
 * Refuses a state that must not take the place of the stored one.
 *
 * @param before What was stored when the state was asked for.
 * @throws {RefusedStateError} kind "foreign" when it is for another node,
 * "rolled_back" when it is older than what is stored, "equivocation" when it is
 * another one under the same number.
 */
export function refuseUnfit(
  before: StateView,
  desired: DesiredState,
  ownNodeId: string,
): void {
  const { nodeId, position } = desired;
  if (nodeId !== undefined && nodeId !== ownNodeId) {
    throw new RefusedStateError("foreign", "it is for another node");
  }
  if (!before.position) return;
  // Whoever numbers states and stops to do so may hide a rollback.
  if (!position) {
    throw new RefusedStateError("rolled_back", "it has no version any more");
  }
  const order = comparePositions(position, before.position);
  if (order < 0) {
    throw new RefusedStateError(
      "rolled_back",
      "it is older than the one that is stored",
    );
  }
  // What is not complete, after a gap or a recovery, is what a pull repairs.
  if (order === 0 && before.complete && differs(before, desired)) {
    throw new RefusedStateError(
      "equivocation",
      `it differs from the one that is stored, though both are version ` +
        `${position.version} of epoch ${position.epoch}`,
    );
  }
}

/** Whether the numbered parts are others. Peers and policies have no number. */
function differs(
  before: StateView,
  { metadata, data, secretRefs, unversioned }: DesiredState,
): boolean {
  // Its entries get their numbers only when they are applied.
  if (unversioned) return false;
  const after = applyChange(before, { metadata, data, secretRefs });
  return after.metadata !== before.metadata || after.data !== before.data ||
    after.secretRefs !== before.secretRefs;
}

/** Whether events have brought something newer since the state was asked for. */
export function isOvertaken(
  before: StateView,
  latest: StateView,
  { position }: DesiredState,
): boolean {
  if (!position) return !sameParts(before, latest);
  return latest.position !== undefined &&
    comparePositions(position, latest.position) < 0;
}

/** The desired state, but with what events have brought meanwhile. */
export function keepMoved(
  before: StateView,
  latest: StateView,
  desired: DesiredState,
): DesiredState {
  const { metadata, data, secretRefs, peers, policies, services, position } =
    latest;
  return {
    ...desired,
    ...(metadata === before.metadata ? {} : { metadata }),
    ...(data === before.data ? {} : { data: [...data.values()] }),
    ...(secretRefs === before.secretRefs ? {} : { secretRefs }),
    ...(peers === before.peers ? {} : { peers }),
    ...(policies === before.policies ? {} : { policies }),
    ...(services === before.services ? {} : { services }),
    ...(position ? { position } : {}),
  };
}

/**
 * What has to be stored for the node to be as desired.
 *
 * @param nowMs Services whose own time is over by then are left out.
 */
export function changeTo(desired: DesiredState, nowMs: number): StateChange {
  const { metadata, data, secretRefs, peers, policies, position } = desired;
  return {
    metadata,
    data,
    secretRefs,
    peers,
    policies,
    // What a state does not assign any more is over.
    services: servicesAt(desired.services ?? [], nowMs),
    ...(position ? { position } : {}),
    complete: true,
  };
}
