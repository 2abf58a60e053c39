import { type Bench, ROUNDS } from "./bench.ts";
import { putRequest } from "./http_probe.ts";
import { load } from "./reads.ts";
import { median } from "./row.ts";
import { makeNode, startNode } from "./running_node.ts";

/** Reports that take turns, so that writers at one time never share a file. */
const REPORTS = 64;
const CLIENTS = 32;
const ROUND_MS = 1_500;

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
    name: "put-32-clients",
    what: `durable PUT of 1 KiB, ${CLIENTS} clients`,
    unit: "/s",
    goal: { relation: ">=", bound: 2.5 },
  }],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const agent = await startNode(workshop, node);
    const rawFolder = workshop.newPath("raw");
    Deno.mkdirSync(rawFolder);
    const requests = workshop.newPath("requests.json");
    Deno.writeTextFileSync(
      requests,
      JSON.stringify(Array.from({ length: REPORTS }, (_, at) => put(at))),
    );
    const rate = (clients: number, ms = ROUND_MS) =>
      load(workshop, node.socket, requests, clients, ms);
    const raw = async () =>
      Number(
        await workshop.run("scripts/bench/raw_writes.ts", [
          rawFolder,
          String(REPORTS),
          String(ROUND_MS),
        ]),
      );
    await rate(1, ROUND_MS / 2);
    const raws: number[] = [];
    const alone: number[] = [];
    const together: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      raws.push(await raw());
      alone.push(await rate(1));
      together.push(await rate(CLIENTS));
    }
    await agent.stop();
    return [
      { value: median(alone), floor: median(raws) },
      { value: median(together), floor: median(alone) },
    ];
  },
};

/** Around the payload, the file has 200 bytes: names, version, time and sum. */
function put(at: number): string {
  const payload = { at, filler: "x".repeat(FILE_BYTES - 240) };
  return putRequest(
    `/v1/state/report/bench-${at}`,
    JSON.stringify({ content_type: "application/json", payload }),
  );
}
