import { describeError } from "../platform/log.ts";
import type { Degraded } from "../sync/degraded.ts";
import { RefusedStateError } from "../sync/pulled_state.ts";
import { comparePositions, type StatePosition } from "../wire/state.ts";

/**
 * Shows that the control plane told two things under one number, until it goes
 * on to another number: that it says the first thing again now and then proves
 * nothing.
 *
 * @param position Of the state that is stored.
 * @returns a function to call with each pull's failure, or `undefined` for a
 * success.
 */
export function watchEquivocation(
  degraded: Degraded,
  position: () => StatePosition | undefined,
): (failure: unknown) => void {
  let disputed: StatePosition | undefined;
  return (failure) => {
    if (
      failure instanceof RefusedStateError && failure.kind === "equivocation"
    ) {
      disputed = position();
      const detail = describeError(failure);
      return degraded.raise("equivocation", { detail });
    }
    const now = position();
    const goesOn = failure === undefined &&
      (!disputed || !now || comparePositions(now, disputed) > 0);
    if (goesOn) degraded.clear("equivocation");
  };
}
