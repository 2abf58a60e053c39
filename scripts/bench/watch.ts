import { type Bench, ROUNDS } from "./bench.ts";
import { answers } from "./http_probe.ts";
import { median, quantile } from "./row.ts";
import { makeNode, startNode } from "./running_node.ts";
import type { Process, Workshop } from "./workshop.ts";

const WATCHERS = 1_000;
/** In each round, over processes of its own. */
const CHANGES = 100;

const ALL_HAVE_IT =
  "1,000 watchers, one durable report, until all have the change";

/** Open streams of changes, against a bare server that holds as many. */
export const watch: Bench = {
  subjects: [
    { name: "watch-p50", what: `${ALL_HAVE_IT}, p50`, unit: "ms" },
    { name: "watch-p99", what: `${ALL_HAVE_IT}, p99`, unit: "ms" },
    { name: "watch-memory", what: "memory of one open watcher", unit: "KiB" },
  ],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const floors: Series[] = [];
    const figures: Series[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const floor = await startFloor(workshop);
      floors.push(await measure(workshop, floor.process, floor.socket));
      const agent = await startNode(workshop, node);
      figures.push(await measure(workshop, agent, node.socket));
    }
    const over = (of: (series: readonly Series[]) => number) => ({
      value: of(figures),
      floor: of(floors),
    });
    const timesOf = (all: readonly Series[]) => all.flatMap(({ ms }) => ms);
    return [
      over((all) => quantile(timesOf(all), 0.5)),
      over((all) => quantile(timesOf(all), 0.99)),
      over((all) => median(all.map(({ memoryKiB }) => memoryKiB))),
    ];
  },
};

/** What `watch_client.ts` prints. */
interface Series {
  readonly ms: readonly number[];
  readonly memoryKiB: number;
}

/** Measures a server, and stops it. */
async function measure(
  workshop: Workshop,
  server: Process,
  socket: string,
): Promise<Series> {
  const args = [socket, WATCHERS, CHANGES, server.pid].map(String);
  const text = await workshop.run("scripts/bench/watch_client.ts", args);
  await server.stop();
  return JSON.parse(text);
}

async function startFloor(workshop: Workshop) {
  const socket = workshop.newPath("floor.sock");
  const process = workshop.start("scripts/bench/watch_floor.ts", [socket]);
  await process.until(() => answers(socket, "/v1/state"));
  return { process, socket };
}
