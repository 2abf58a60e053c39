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
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const limit = clock.sleep(PROBE_MS, either)
    .then(() => over.abort(new Error(`No answer in ${PROBE_MS} ms`)))
    .catch(() => {});
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    const { status } = await fetch("http://localhost/v1/status", {
      method: "HEAD",
      redirect: "manual",
      signal: either,
      client,
    });
    if (status !== 200) throw new Error(`It answers ${status}`);
  } finally {
    over.abort();
    await limit;
  }
}
