import { call } from "../client/call.ts";
import type { Clock } from "../platform/clock.ts";

/** Far more than an answer takes on the busiest machine. */
const PROBE_MS = 10_000;

/**
 * Asks a Unix socket for the status, on a connection of its own, as a workload
 * would.
 *
 * @throws when nobody listens, the answer is not 200, or none comes in 10 s.
 */
export async function probeSocket(
  path: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { status } = await call(path, "HEAD", "/v1/status", undefined, {
    limitMs: PROBE_MS,
    clock,
    signal,
  });
  if (status !== 200) throw new Error(`It answers ${status}`);
}
