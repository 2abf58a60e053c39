import { describeError } from "../platform/log.ts";
import type { Marks } from "../store/trust_marks.ts";
import type { Degraded } from "../sync/degraded.ts";
import { RefusedStateError } from "../sync/pulled_state.ts";
import { RefusedSnapshotError } from "../trust/verify_snapshot.ts";
import { comparePositions, type StatePosition } from "../wire/state.ts";

/** Where it is kept what is disputed, so that a restart does not forget it. */
export interface DisputePort {
  load(): Marks;
  /** @throws {StoreWriteError} */
  save(marks: Marks): void;
}

/**
 * Shows that the control plane told two things under one number, until it goes
 * on to another number: that it says the first thing again now and then proves
 * nothing, and neither does a restart.
 *
 * @param position Of the state that is stored.
 * @returns a function to call with each pull's failure, or `undefined` for a
 * success.
 */
export function watchEquivocation(
  degraded: Degraded,
  position: () => StatePosition | undefined,
  marks: DisputePort,
): (failure: unknown) => void {
  let disputed = marks.load().disputed;
  if (disputed) {
    const detail = "the control plane told two things under version " +
      `${disputed.version} of epoch ${disputed.epoch}, before this start`;
    degraded.raise("equivocation", { detail });
  }
  const settle = (at: StatePosition | undefined) => {
    const { disputed: before, ...rest } = marks.load();
    const isKnown = before?.epoch === at?.epoch &&
      before?.version === at?.version;
    disputed = at;
    if (!isKnown) marks.save(at ? { ...rest, disputed: at } : rest);
  };
  return (failure) => {
    if (isEquivocation(failure)) {
      degraded.raise("equivocation", { detail: describeError(failure) });
      const { snapshot } = marks.load();
      const at = failure instanceof RefusedSnapshotError
        ? snapshot
        : position();
      return settle(at && { epoch: at.epoch, version: at.version });
    }
    if (failure !== undefined) return;
    const now = position();
    if (disputed && now && comparePositions(now, disputed) <= 0) return;
    degraded.clear("equivocation");
    settle(undefined);
  };
}

function isEquivocation(failure: unknown): failure is Error {
  return (failure instanceof RefusedStateError ||
    failure instanceof RefusedSnapshotError) && failure.kind === "equivocation";
}
