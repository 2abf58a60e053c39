import type { Workshop } from "./workshop.ts";

/**
 * Answers per second that a client in a process of its own gets from a socket.
 *
 * @param requestsFile A JSON array of the requests that are sent in turn.
 */
export async function load(
  workshop: Workshop,
  socket: string,
  requestsFile: string,
  connections: number,
  ms: number,
): Promise<number> {
  const args = [socket, requestsFile, String(connections), String(ms)];
  return Number(await workshop.run("scripts/bench/load_client.ts", args));
}
