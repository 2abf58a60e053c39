import { type Bench, ROUNDS } from "./bench.ts";
import { answers, putRequest } from "./http_probe.ts";
import { load } from "./load.ts";
import { median } from "./row.ts";
import { makeNode, startNode } from "./running_node.ts";
import type { Workshop } from "./workshop.ts";

/** Reports that take turns, so that writers at one time never share a file. */
const REPORTS = 64;
const CLIENTS = 32;
const ROUND_MS = 1_000;

/** Bytes of a report's file, as near as its version allows. */
const FILE_BYTES = 1_024;

/** Durable writes through the socket of `plexd up`. */
export const writes: Bench = {
  subjects: [{
    name: "put-one-client",
    what: "durable PUT of 1 KiB, one client",
    unit: "/s",
    goal: { relation: ">=", bound: 0.8 },
  }, {
    name: "put-beside-server",
    what: "the same, beside a bare server that writes as durably",
    unit: "/s",
  }, {
    name: "put-32-clients",
    what: `durable PUT of 1 KiB, ${CLIENTS} clients`,
    unit: "/s",
    goal: { relation: ">=", bound: 2.5 },
  }],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const agent = await startNode(workshop, node);
    const bare = await startRawServer(workshop);
    const rawFolder = makeFolder(workshop);
    const requests = workshop.newPath("requests.json");
    const puts = Array.from({ length: REPORTS }, (_, at) => put(at));
    Deno.writeTextFileSync(requests, JSON.stringify(puts));
    const rate = async (clients: number, server = agent, to = node.socket) =>
      (await load(workshop, server, to, requests, clients, ROUND_MS)).rate;
    const bareRate = () => rate(1, bare.process, bare.socket);
    // Once each without counting: code that was never run is slow.
    await rate(1);
    await bareRate();
    const rates = { raw: [], bare: [], alone: [], together: [] } as Record<
      "raw" | "bare" | "alone" | "together",
      number[]
    >;
    // Disks are noisier than anything else here.
    for (let round = 0; round < ROUNDS + 2; round++) {
      rates.raw.push(await rawRate(workshop, rawFolder));
      rates.bare.push(await bareRate());
      rates.alone.push(await rate(1));
      rates.together.push(await rate(CLIENTS));
    }
    await bare.process.stop();
    await agent.stop();
    return [
      { value: median(rates.alone), floor: median(rates.raw) },
      { value: median(rates.alone), floor: median(rates.bare) },
      { value: median(rates.together), floor: median(rates.alone) },
    ];
  },
};

async function rawRate(workshop: Workshop, folder: string): Promise<number> {
  const args = [folder, String(REPORTS), String(ROUND_MS)];
  return Number(await workshop.run("scripts/bench/raw_writes.ts", args));
}

async function startRawServer(workshop: Workshop) {
  const socket = workshop.newPath("raw.sock");
  const args = [socket, makeFolder(workshop), String(REPORTS)];
  const process = workshop.start("scripts/bench/raw_put_server.ts", args);
  await process.until(() => answers(socket, "/"));
  return { process, socket };
}

function makeFolder(workshop: Workshop): string {
  const folder = workshop.newPath("raw");
  Deno.mkdirSync(folder);
  return folder;
}

/** Around the payload, the file has 240 bytes: names, version, time and sum. */
function put(at: number): string {
  const payload = { at, filler: "x".repeat(FILE_BYTES - 240) };
  return putRequest(
    `/v1/state/report/bench-${at}`,
    JSON.stringify({ content_type: "application/json", payload }),
  );
}
