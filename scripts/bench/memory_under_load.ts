import { BEARER, LISTENERS, startAgent } from "./agent_under_load.ts";
import { type Bench, ROUNDS } from "./bench.ts";
import { cannedFrom } from "./beside_floor.ts";
import { ask, getRequest } from "./http_probe.ts";
import { load } from "./load.ts";
import { clients } from "./load_rows.ts";
import { residentMiB } from "./process_cost.ts";
import { ENTRY_PATH } from "./reads.ts";
import { inTurns, type Measured } from "./row.ts";
import { freeAddress, type RunningServer, startFloor } from "./running_node.ts";
import type { Process } from "./workshop.ts";

const MANY = 128;
const ROUND_MS = 2_000;

/** Memory of a process while many connections ask it for the same entry. */
export const memoryUnderLoad: readonly Bench[] = LISTENERS.map((listener) => ({
  subjects: [{
    name: `memory-${listener.name}-${MANY}`,
    what: `resident memory, ${listener.what}, ${clients(MANY)}`,
    unit: "MiB",
  }],
  async measure(workshop): Promise<Measured[]> {
    const requests = workshop.newPath("requests.json");
    const get = getRequest(ENTRY_PATH, BEARER);
    Deno.writeTextFileSync(requests, JSON.stringify([get]));
    const most = ({ process, place }: RunningServer) =>
      mostMiB(
        process,
        load(workshop, process, place, requests, MANY, ROUND_MS),
      );
    const { server, bearer, stop } = await startAgent(workshop, listener.isTcp);
    const asked = await ask(server.place, ENTRY_PATH, bearer.bearer);
    await stop();
    return [
      await inTurns(ROUNDS, async () => {
        const { server, stop } = await startAgent(workshop, listener.isTcp);
        const mebibytes = await most(server);
        await stop();
        return mebibytes;
      }, async () => {
        const place = listener.isTcp ? freeAddress() : undefined;
        const floor = await startFloor(workshop, cannedFrom(asked), place);
        const mebibytes = await most(floor);
        await floor.process.stop();
        return mebibytes;
      }),
    ];
  },
}));

/** The most that a process has resident while something goes on. */
async function mostMiB(
  process: Process,
  work: Promise<unknown>,
): Promise<number> {
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, residentMiB(process));
  }, 50);
  try {
    await work;
  } finally {
    clearInterval(looking);
  }
  return most;
}
