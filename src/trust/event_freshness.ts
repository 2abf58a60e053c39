import { parseRfc3339 } from "../wire/rfc3339.ts";
import { RejectedEventError } from "./rejected_event_error.ts";
import { EVENT_WINDOW_MS } from "./replay_window.ts";

/** Go's zero time, which stands for no time at all. */
const ZERO_TIME_MS = Date.parse("0001-01-01T00:00:00Z");

/**
 * The time at which an event was issued, ms since the Unix epoch.
 *
 * @param floorMs Events issued at or before this moment are stale.
 * @throws {RejectedEventError} kind "missing_issued_at"; "stale" or "future" if
 * it is more than 300_000 ms away from the clock; exactly that much passes.
 * @see docs/wire.md, section b.3
 */
export function freshIssueTime(
  issuedAt: string,
  nowMs: number,
  floorMs: number,
): number {
  const issued = parseRfc3339(issuedAt);
  if (!issued || issued.ms === ZERO_TIME_MS) {
    throw new RejectedEventError("missing_issued_at");
  }
  const { ms, subMs } = issued;
  if (nowMs - ms > EVENT_WINDOW_MS || ms <= floorMs) {
    throw new RejectedEventError("stale");
  }
  const aheadMs = ms - nowMs;
  if (
    aheadMs > EVENT_WINDOW_MS || (aheadMs === EVENT_WINDOW_MS && subMs > 0)
  ) {
    throw new RejectedEventError("future");
  }
  return ms;
}
