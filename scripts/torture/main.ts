/**
 * Tries to make a store lose something: kills, failing calls, power cuts,
 * flipped bits; to make the local API stop serving; and to make the readers of
 * what comes from a control plane fail. Prints figures; the last line sums up.
 * Exits 1 when anything was lost, refused, misread or failed without a type of
 * its own.
 *
 * `--short` takes about a minute, `--long` as long as it needs; `--seed N`
 * repeats a run, `--only store`, `--only api` or `--only parsers` does a part of
 * it. Progress goes to standard error.
 *
 * @see design, section 12 "Proofs of strength"
 *
 * @module
 */
import { parseArgs } from "node:util";
import { damage } from "./damage.ts";
import { faultSweep } from "./fault_sweep.ts";
import { fuzzParsers } from "./fuzz_parsers.ts";
import { fuzzRequests } from "./fuzz_requests.ts";
import { exhaustion, slowClients } from "./hostile_clients.ts";
import { Figures } from "./figures.ts";
import { killMatrix, type TrialOptions } from "./kill_matrix.ts";
import { mendMatrix } from "./mend_matrix.ts";
import { powerLoss } from "./power_loss.ts";
import { Seeded } from "./seeded.ts";
import { whyNoStrace } from "./strace.ts";
import { wholeAgent } from "./whole_agent.ts";

/** How much is tried. */
interface Extent {
  /** Stories whose every call is tried; each but the first is of chance. */
  readonly stories: number;
  /** Calls tried of each story. @default {all of them} */
  readonly most?: number;
  /** Whole agents that are killed. */
  readonly agents: number;
  /** States of a disk after a power cut. */
  readonly states: number;
  /** Damages of each kind for each file. */
  readonly damages: number;
  /** Requests that are almost right, to a local API. */
  readonly requests: number;
  /** Inputs for each reader of what comes from a control plane. */
  readonly inputs: number;
  /** Clients that keep a local API waiting, at a time. */
  readonly slowClients: number;
  /** Times that an agent is left without descriptors. */
  readonly exhaustions: number;
}

const SHORT: Extent = {
  stories: 1,
  most: 40,
  agents: 8,
  states: 5_000,
  damages: 15,
  requests: 20_000,
  inputs: 20_000,
  slowClients: 300,
  exhaustions: 2,
};
const USUAL: Extent = {
  stories: 1,
  agents: 120,
  states: 100_000,
  damages: 100,
  requests: 1_000_000,
  inputs: 1_000_000,
  slowClients: 600,
  exhaustions: 10,
};
const LONG: Extent = {
  stories: 6,
  agents: 2_000,
  states: 500_000,
  damages: 3_000,
  requests: 5_000_000,
  inputs: 5_000_000,
  slowClients: 900,
  exhaustions: 50,
};

const { extent, seed, only } = readArguments();
const figures = new Figures();
const folder = Deno.makeTempDirSync({ prefix: "plexd-torture-" });
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    interrupted = true;
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(130);
  });
}
try {
  if (only === undefined || only === "store") await withStore();
  if (only === undefined || only === "api") await withLocalApi();
  if (only === undefined || only === "parsers") await withParsers();
} finally {
  if (!interrupted) Deno.removeSync(folder, { recursive: true });
}
for (const line of figures.lines(seed)) print(line);
Deno.exit(figures.isGood ? 0 : 1);

async function withStore() {
  await withStrace();
  progress(`cutting the power, ${extent.states} states …`);
  await powerLoss(figures, new Seeded(seed), extent.states);
  soFar();
  progress("flipping bits and cutting ends off …");
  await damage(figures, new Seeded(seed), extent.damages);
  soFar();
}

async function withLocalApi() {
  progress(`sending ${extent.requests} requests that are almost right …`);
  await fuzzRequests(figures, new Seeded(seed), extent.requests);
  soFar();
  progress(`keeping it waiting with ${extent.slowClients} clients …`);
  await slowClients(figures, extent.slowClients);
  progress("using up its descriptors …");
  await exhaustion(figures, extent.exhaustions);
}

async function withParsers() {
  progress(`giving each parser ${extent.inputs} malformed inputs …`);
  await fuzzParsers(figures, new Seeded(seed), extent.inputs, progress);
}

async function withStrace() {
  const why = await whyNoStrace();
  if (why !== undefined) {
    // Where changes are checked, half a proof must not look like a whole one.
    if (Deno.env.get("CI") === "true") throw new Error(why);
    figures.skipped.push(`kills and failing calls: ${why}`);
    return;
  }
  const random = new Seeded(seed);
  for (let number = 0; number < extent.stories; number++) {
    const story = number === 0 ? 0 : 1 + random.below(2 ** 31);
    const { most } = extent;
    const options: TrialOptions = {
      folder,
      figures,
      random,
      story,
      ...(most === undefined ? {} : { most }),
    };
    progress(`killing a process at each call of story ${story} …`);
    await killMatrix(options);
    soFar();
    progress("killing repairs and restores …");
    await mendMatrix(options);
    soFar();
    progress(`making each call of story ${story} fail …`);
    await faultSweep(options);
    soFar();
  }
  progress(`killing ${extent.agents} agents …`);
  await wholeAgent(figures, new Seeded(seed), extent.agents);
  soFar();
}

/** A run can take long: what it has shown until now is worth knowing. */
function soFar() {
  progress(`  so far ${figures.lines(seed).at(-1)}`);
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean" },
      long: { type: "boolean" },
      seed: { type: "string" },
      only: { type: "string" },
    },
  });
  const { short = false, long = false } = values;
  const chosen = values.seed ?? `${new Date().getTime() % 2 ** 32}`;
  const seed = Number(chosen);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    progress(`--seed must be a whole number in [0, 2^32): it is ${chosen}`);
    Deno.exit(2);
  }
  if (short && long) {
    progress("--short and --long exclude each other");
    Deno.exit(2);
  }
  const { only } = values;
  const isPart = only === undefined || only === "api" || only === "store" ||
    only === "parsers";
  if (!isPart) {
    progress(`--only must be store, api or parsers: it is ${only}`);
    Deno.exit(2);
  }
  return { only, extent: short ? SHORT : long ? LONG : USUAL, seed };
}

function print(line: string) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function progress(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
