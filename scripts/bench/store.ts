import { type Bench, ROUNDS } from "./bench.ts";
import { median } from "./row.ts";
import type { Workshop } from "./workshop.ts";

const FEW = 1_000;
const SOME = 10_000;
const MANY = 100_000;
const ROUND_MS = 1_000;

/** Files beside the one that changes: the one that commits it. */
const BOOKKEEPING = 1;

/** What the store does by itself: no HTTP, no agent around it. */
export const store: Bench = {
  subjects: [{
    name: "put-store",
    what: "durable PUT of 1 KiB, one client, without HTTP",
    unit: "/s",
    goal: { relation: ">=", bound: 0.8 },
  }, {
    name: "open-1000",
    what: "opening a store of 1,000 entries, against reading its files",
    unit: "ms",
    goal: { relation: "<=", bound: 1.5 },
  }, {
    name: "open-100000",
    what: "the same, 100,000 entries",
    unit: "ms",
    goal: { relation: "<=", bound: 1.5 },
  }, {
    name: "change-files",
    what: "change of 1 entry in 10,000: files written",
    unit: "",
    goal: {
      relation: "<=",
      bound: 1 + BOOKKEEPING,
      note: "1, and the one that commits",
    },
  }, {
    name: "change-ms",
    what: "the same, against replacing one file",
    unit: "ms",
  }, {
    name: "activate",
    what: "activating a snapshot of 10,000 new entries, against the files",
    unit: "ms",
  }],
  async measure(workshop) {
    return [
      await puts(workshop),
      await opening(workshop, FEW),
      await opening(workshop, MANY),
      ...await changing(workshop),
      await activating(workshop),
    ];
  },
};

async function puts(workshop: Workshop) {
  const folder = made(workshop, "puts");
  const raw = made(workshop, "raw");
  const values: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(await rawRate(workshop, raw));
    values.push(...await work(workshop, "put", folder, ROUND_MS));
  }
  return { value: median(values), floor: median(floors) };
}

async function opening(workshop: Workshop, entries: number) {
  const folder = made(workshop, "entries");
  await work(workshop, "fill", folder, entries);
  const values: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [floor = NaN] = await work(workshop, "read", folder, 0);
    const [value = NaN] = await work(workshop, "open", folder, 0);
    // The first of each only fills the caches.
    if (round === 0) continue;
    floors.push(floor);
    values.push(value);
  }
  Deno.removeSync(folder, { recursive: true });
  return { value: median(values), floor: median(floors) };
}

async function changing(workshop: Workshop) {
  const folder = made(workshop, "changes");
  const raw = made(workshop, "raw");
  const took: number[] = [];
  const files: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await work(workshop, "fill", folder, SOME);
    floors.push(1_000 / await rawRate(workshop, raw));
    const [ms = NaN, written = NaN] = await work(
      workshop,
      "change",
      folder,
      SOME,
    );
    took.push(ms);
    files.push(written);
  }
  return [
    { value: median(files), floor: null },
    { value: median(took), floor: median(floors) },
  ];
}

async function activating(workshop: Workshop) {
  const values: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (
      const [what, list] of [["make", floors], ["activate", values]] as const
    ) {
      const folder = made(workshop, what);
      list.push(...await work(workshop, what, folder, SOME));
      Deno.removeSync(folder, { recursive: true });
    }
  }
  return { value: median(values), floor: median(floors) };
}

/** One measurement in a process of its own. */
async function work(
  workshop: Workshop,
  what: string,
  folder: string,
  number: number,
): Promise<number[]> {
  const args = [what, folder, `${number}`];
  const text = await workshop.run("scripts/bench/store_work.ts", args);
  return text.trim().split(" ").map(Number);
}

async function rawRate(workshop: Workshop, folder: string): Promise<number> {
  const args = [folder, "64", `${ROUND_MS}`];
  return Number(await workshop.run("scripts/bench/raw_writes.ts", args));
}

function made(workshop: Workshop, name: string): string {
  const folder = workshop.newPath(name);
  Deno.mkdirSync(folder, { mode: 0o700 });
  return folder;
}
