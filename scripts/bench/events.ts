import assert from "node:assert/strict";
import { type Bench, ROUNDS } from "./bench.ts";
import { type Measured, quantile } from "./row.ts";
import type { Workshop } from "./workshop.ts";

/** Ten seconds of events, after a second that does not count. */
const LATENCY = { events: 1_100, warmUp: 100, perSecond: 100 };

/** From signed events to durable and visible state. */
export const events: Bench = {
  subjects: [{
    name: "events-burst",
    what: "events verified, durable and visible, burst of 10,000",
    unit: "/s",
    goal: { relation: ">=", bound: 0.5 },
  }, {
    name: "events-p99",
    what: "bytes on the socket to visible, 100 events/s, p99",
    unit: "ms",
    goal: { relation: "<=", bound: 20, note: "ms" },
  }],
  async measure(workshop) {
    return [await burst(workshop), await latency(workshop)];
  },
};

async function burst(workshop: Workshop): Promise<Measured> {
  const folder = workshop.newPath("burst");
  const args = [folder, String(ROUNDS)];
  const output = await workshop.run("scripts/bench/event_burst.ts", args);
  return JSON.parse(output) as Measured;
}

async function latency(workshop: Workshop): Promise<Measured> {
  const folder = workshop.newPath("latency");
  Deno.mkdirSync(folder);
  const sender = workshop.start("scripts/bench/event_sender.ts", [
    folder,
    String(LATENCY.events),
    String(LATENCY.perSecond),
  ]);
  await sender.until(() => exists(`${folder}/address.json`));
  const { url, publicKey } = readJson(`${folder}/address.json`) as {
    url: string;
    publicKey: string;
  };
  const visibleMs = JSON.parse(
    await workshop.run("scripts/bench/event_latency.ts", [
      `${folder}/node`,
      url,
      publicKey,
    ]),
  ) as number[];
  const sentMs = readJson(`${folder}/sent.json`) as number[];
  await sender.stop();
  assert.equal(visibleMs.length, LATENCY.events);
  const tookMs = visibleMs.map((ms, at) => ms - sentMs[at]!);
  return { value: quantile(tookMs.slice(LATENCY.warmUp), 0.99), floor: null };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function readJson(path: string): unknown {
  return JSON.parse(Deno.readTextFileSync(path));
}
