import { cpuMs } from "./process_cost.ts";
import type { Process, Workshop } from "./workshop.ts";

/** What a load has reached, and what it has cost its server. */
export interface LoadResult {
  /** Answers per second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time on processors for one answer, in µs, all of the process included. */
  readonly cpuUs: number;
}

/**
 * Has a client in a process of its own put load on a server.
 *
 * @param place The path of a Unix socket, or `127.0.0.1:port`.
 * @param requestsFile A JSON array of the requests that are sent in turn.
 */
export async function load(
  workshop: Workshop,
  server: Process,
  place: string,
  requestsFile: string,
  connections: number,
  ms: number,
): Promise<LoadResult> {
  const args = [place, requestsFile, String(connections), String(ms)];
  const before = cpuMs(server);
  const text = await workshop.run("scripts/bench/load_client.ts", args);
  const usedMs = cpuMs(server) - before;
  const { answers, rate, p50Ms, p99Ms } = JSON.parse(text);
  return { rate, p50Ms, p99Ms, cpuUs: usedMs / answers * 1000 };
}
