import type { Bench } from "./bench.ts";
import { besideFloor } from "./beside_floor.ts";
import { keyOf } from "./prepare.ts";
import { type Measured, mediansOf } from "./row.ts";
import { makeNode, startNode } from "./running_node.ts";

/** One entry of those that a prepared node has. */
export const ENTRY_PATH = `/v1/state/data/${keyOf(500)}`;

/** All of them, without their payloads. */
export const STATE_PATH = "/v1/state";

const CONNECTIONS = 16;
const ROUND_MS = 1_500;

/** Reads of `plexd up` against a bare server that gives the same answer. */
export const reads: Bench = {
  subjects: [{
    name: "get-entry",
    what: `GET of one entry, ${CONNECTIONS} connections`,
    unit: "/s",
    goal: { relation: ">=", bound: 0.85 },
  }, {
    name: "get-state",
    what: "GET /v1/state, 1,000 entries",
    unit: "/s",
    goal: { relation: ">=", bound: 0.8 },
  }],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const process = await startNode(workshop, node);
    const server = { process, place: node.socket };
    const measured: Measured[] = [];
    for (const path of [ENTRY_PATH, STATE_PATH]) {
      const read = { path, connections: CONNECTIONS, ms: ROUND_MS };
      const turns = await besideFloor(workshop, server, read);
      measured.push(mediansOf(turns, ({ rate }) => rate));
    }
    await process.stop();
    return measured;
  },
};
