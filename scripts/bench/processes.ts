import { type Bench, ROUNDS } from "./bench.ts";
import { residentMiB } from "./process_cost.ts";
import { median } from "./row.ts";
import { makeNode, startFloor, startNode } from "./running_node.ts";

/** Starts are short and their noise is large. */
const STARTS = 2 * ROUNDS + 1;

/** After this long without a request, both processes have come to rest. */
const IDLE_MS = 4_000;

const FROM_SOURCE = Deno.env.get("PLEXD_BIN")
  ? "compiled"
  : "compiled; this is from source";

/** The floor's answer plays no part here. */
const SMALL_ANSWER = { headers: {}, body: "{}\n" };

/** From the start of the process until a request is answered. */
export const start: Bench = {
  subjects: [{
    name: "start-to-ready",
    what: "start to ready, 1,000 entries",
    unit: "ms",
    goal: { relation: "<=", bound: 1.6, note: FROM_SOURCE },
  }],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const figures: number[] = [];
    const floors: number[] = [];
    // The first one of each only fills the caches.
    for (let at = 0; at <= STARTS; at++) {
      const [floorMs, floor] = await timed(() =>
        startFloor(workshop, SMALL_ANSWER)
      );
      await floor.process.stop();
      const [figureMs, agent] = await timed(() => startNode(workshop, node));
      await agent.stop();
      if (at === 0) continue;
      floors.push(floorMs);
      figures.push(figureMs);
    }
    return [{ value: median(figures), floor: median(floors) }];
  },
};

/** Memory of a process that has answered once and then came to rest. */
export const memory: Bench = {
  subjects: [{
    name: "memory-idle",
    what: "resident memory, 1,000 entries, idle",
    unit: "MiB",
    goal: { relation: "<=", bound: 1.25, note: FROM_SOURCE },
  }],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const figures: number[] = [];
    const floors: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const floor = await startFloor(workshop, SMALL_ANSWER);
      const agent = await startNode(workshop, node);
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      floors.push(residentMiB(floor.process));
      figures.push(residentMiB(agent));
      await floor.process.stop();
      await agent.stop();
    }
    return [{ value: median(figures), floor: median(floors) }];
  },
};

async function timed<Result>(
  work: () => Promise<Result>,
): Promise<[ms: number, result: Result]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}
