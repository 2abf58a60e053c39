import assert from "node:assert/strict";
import { type Bench, ROUNDS } from "./bench.ts";
import { type Measured, median, quantile } from "./row.ts";
import type { Workshop } from "./workshop.ts";

/** Ten seconds of events, after a second that does not count. */
const LATENCY = { events: 1_100, warmUp: 100, perSecond: 100 };

/** From signed events to durable and visible state. */
export const events: Bench = {
  subjects: [{
    name: "events-burst",
    what: "burst of 10,000 events, verified, durable and visible, " +
      "against nothing but their Ed25519 verification",
    unit: "/s",
    goal: { relation: ">=", bound: 0.5 },
  }, {
    name: "events-cpu",
    what: "the same, time on processors of one event",
    unit: "µs",
  }, {
    name: "events-p50",
    what: "bytes on the socket to visible, 100 events/s, p50",
    unit: "ms",
  }, {
    name: "events-p99",
    what: "bytes on the socket to visible, 100 events/s, p99",
    unit: "ms",
    goal: { relation: "<=", bound: 20, note: "ms" },
  }],
  async measure(workshop) {
    return [...await burst(workshop), ...await latency(workshop)];
  },
};

/** Rate, then time on processors. */
async function burst(workshop: Workshop): Promise<readonly Measured[]> {
  const folder = workshop.newPath("burst");
  const args = [folder, String(ROUNDS)];
  const output = await workshop.run("scripts/bench/event_burst.ts", args);
  return JSON.parse(output) as readonly Measured[];
}

/** Half of the events took no longer than the first, 99 of 100 than the second. */
async function latency(workshop: Workshop): Promise<readonly Measured[]> {
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
  const tookMs = visibleMs.map((ms, at) => ms - sentMs[at]!)
    .slice(LATENCY.warmUp);
  return [median(tookMs), quantile(tookMs, 0.99)]
    .map((value) => ({ value, floor: null }));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function readJson(path: string): unknown {
  return JSON.parse(Deno.readTextFileSync(path));
}
