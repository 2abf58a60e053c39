import {
  sameParts,
  type StateChange,
  type StateView,
} from "../store/state_view.ts";
import { comparePositions, type DesiredState } from "../wire/state.ts";

/** A pulled state was not applied. The stored one stays in use. */
export class RefusedStateError extends Error {
  override readonly name = "RefusedStateError";

  constructor(readonly kind: "foreign" | "rolled_back", message: string) {
    super(`State refused: ${message}`);
  }
}

/**
 * Refuses a state that must not take the place of the stored one.
 *
 * @param before What was stored when the state was asked for.
 * @throws {RefusedStateError} kind "foreign" when it is for another node,
 * "rolled_back" when it is older than what is stored.
 */
export function refuseUnfit(
  before: StateView,
  { nodeId, position }: DesiredState,
  ownNodeId: string,
): void {
  if (nodeId !== undefined && nodeId !== ownNodeId) {
    throw new RefusedStateError("foreign", "it is for another node");
  }
  if (!before.position) return;
  // Whoever numbers states and stops to do so may hide a rollback.
  if (!position) {
    throw new RefusedStateError("rolled_back", "it has no version any more");
  }
  if (comparePositions(position, before.position) < 0) {
    throw new RefusedStateError(
      "rolled_back",
      "it is older than the one that is stored",
    );
  }
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
  const { metadata, data, secretRefs, peers, policies, position } = latest;
  return {
    ...desired,
    ...(metadata === before.metadata ? {} : { metadata }),
    ...(data === before.data ? {} : { data: [...data.values()] }),
    ...(secretRefs === before.secretRefs ? {} : { secretRefs }),
    ...(peers === before.peers ? {} : { peers }),
    ...(policies === before.policies ? {} : { policies }),
    ...(position ? { position } : {}),
  };
}

/** What has to be stored for the node to be as desired. */
export function changeTo(desired: DesiredState): StateChange {
  const { metadata, data, secretRefs, peers, policies, position } = desired;
  return {
    metadata,
    data,
    secretRefs,
    peers,
    policies,
    ...(position ? { position } : {}),
    complete: true,
  };
}
