import assert from "node:assert/strict";
import { ROUNDS } from "./bench.ts";
import type { CannedAnswer } from "./canned_answer.ts";
import { type Answer, ask, getRequest } from "./http_probe.ts";
import { load, type LoadResult } from "./load.ts";
import { takeTurns, type Turns } from "./row.ts";
import { freeAddress, type RunningServer, startFloor } from "./running_node.ts";
import type { Workshop } from "./workshop.ts";

/** A read, and how it is asked for. */
export interface Load {
  readonly path: string;
  readonly connections: number;
  /** Length of one round. */
  readonly ms: number;
  /** Sent with each request, to the floor as well. */
  readonly bearer?: string;
}

/** Reads of a server, in turns with those of a bare one that answers the same. */
export async function besideFloor(
  workshop: Workshop,
  server: RunningServer,
  read: Load,
): Promise<Turns<LoadResult>> {
  const { path, bearer } = read;
  const answer = await ask(server.place, path, bearer);
  const floor = await startFloor(
    workshop,
    cannedFrom(answer),
    server.place.startsWith("/") ? undefined : freeAddress(),
  );
  assert.deepEqual(
    comparable(await ask(floor.place, path, bearer)),
    comparable(answer),
    "the floor must answer as plexd does",
  );
  const turns = await loadInTurns(workshop, server, floor, read);
  await floor.process.stop();
  return turns;
}

/** Puts the same load on two servers in turns. */
export async function loadInTurns(
  workshop: Workshop,
  figure: RunningServer,
  floor: RunningServer,
  { path, connections, ms, bearer }: Load,
): Promise<Turns<LoadResult>> {
  const requests = workshop.newPath("requests.json");
  Deno.writeTextFileSync(requests, JSON.stringify([getRequest(path, bearer)]));
  const run = ({ process, place }: RunningServer, ms: number) =>
    load(workshop, process, place, requests, connections, ms);
  // Once each without counting: code that was never run is slow.
  await run(floor, ms / 2);
  await run(figure, ms / 2);
  return await takeTurns(ROUNDS, () => run(figure, ms), () => run(floor, ms));
}

/** The same answer, for a bare server to give. */
export function cannedFrom({ headers, body }: Answer): CannedAnswer {
  const own = headers.filter(([name]) => !SET_BY_SERVER.includes(name));
  return { headers: Object.fromEntries(own), body };
}

/** The runtime adds these by itself. */
const SET_BY_SERVER = ["content-length", "date", "connection", "vary"];

function comparable({ status, headers, body }: Answer) {
  return { status, body, headers: headers.filter(([name]) => name !== "date") };
}
