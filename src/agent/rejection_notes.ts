import type { Transitions } from "../store/transition_ring.ts";

/** Pairs that are remembered; who sends more gets no more entries. */
const MOST_NOTED = 64;

/**
 * Notes actions that were rejected, so that they leave a trace on the node:
 * each action and reason once, or repeated requests would push everything else
 * out of the ring.
 */
export function rejectionNotes(
  ring: Transitions,
): (object: Readonly<Record<string, unknown>>) => void {
  const noted = new Set<string>();
  return ({ action, reason, execution_id }) => {
    const name = `${action} ${reason}`;
    if (noted.has(name) || noted.size >= MOST_NOTED) return;
    noted.add(name);
    ring.note("rejected", { reason: `${action}: ${reason} (${execution_id})` });
  };
}
