import assert from "node:assert/strict";
import { type Bench, ROUNDS } from "./bench.ts";
import { type Answer, ask, getRequest } from "./http_probe.ts";
import { load } from "./load.ts";
import { keyOf } from "./prepare.ts";
import { inTurns, type Measured } from "./row.ts";
import { makeNode, startFloor, startNode } from "./running_node.ts";
import type { Workshop } from "./workshop.ts";

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
    const agent = await startNode(workshop, node);
    const entry = `/v1/state/data/${keyOf(500)}`;
    const measured = [
      await measurePath(workshop, node.socket, entry),
      await measurePath(workshop, node.socket, "/v1/state"),
    ];
    await agent.stop();
    return measured;
  },
};

async function measurePath(
  workshop: Workshop,
  socket: string,
  path: string,
): Promise<Measured> {
  const answer = await ask(socket, path);
  const { headers, body } = answer;
  const own = headers.filter(([name]) => !SET_BY_SERVER.includes(name));
  const floor = await startFloor(workshop, {
    headers: Object.fromEntries(own),
    body,
  });
  assert.deepEqual(
    comparable(await ask(floor.socket, path)),
    comparable(answer),
    "the floor must answer as plexd does",
  );
  const requests = workshop.newPath("requests.json");
  Deno.writeTextFileSync(requests, JSON.stringify([getRequest(path)]));
  const rate = (socket: string, ms: number) =>
    load(workshop, socket, requests, CONNECTIONS, ms);
  // Once each without counting: code that was never run is slow.
  await rate(floor.socket, ROUND_MS / 2);
  await rate(socket, ROUND_MS / 2);
  const measured = await inTurns(
    ROUNDS,
    () => rate(socket, ROUND_MS),
    () => rate(floor.socket, ROUND_MS),
  );
  await floor.process.stop();
  return measured;
}

/** The runtime adds these by itself. */
const SET_BY_SERVER = ["content-length", "date", "connection", "vary"];

function comparable({ status, headers, body }: Answer) {
  return { status, body, headers: headers.filter(([name]) => name !== "date") };
}
