import { parseArgs } from "node:util";
import { Crew } from "./fleet/crew_process.ts";
import { descriptorsMissing } from "./fleet/descriptors.ts";
import { measureCalls, measureRegistrations } from "./fleet/measure_calls.ts";
import { measureReturn } from "./fleet/measure_return.ts";
import { measureStreams } from "./fleet/measure_streams.ts";
import { prepareFleet } from "./fleet/prepare_fleet.ts";
import { Server } from "./fleet/servers.ts";
import { print } from "./print.ts";
import type { Row } from "./row.ts";
import { asJsonLine, asTable } from "./table.ts";
import { Workshop } from "./workshop.ts";

/**
 * Measures the control plane under a fleet of simulated nodes, which a second
 * process plays over real connections, beside a bare server of the same runtime.
 *
 * `--short` takes about half a minute, with small fleets; `--json` prints one
 * JSON object a line; `--only PART` is streams, calls or return. Progress goes
 * to standard error; the last line sums up.
 *
 * @see design, section 11 "Performance floors"
 */
const FULL = {
  streams: [1_000, 10_000],
  peers: [100, 1_000, 5_000],
  returning: 5_000,
  tokens: 1_000,
  loadMs: 4_000,
  rounds: 11,
};
const SHORT = {
  streams: [200],
  peers: [100],
  returning: 200,
  tokens: 200,
  loadMs: 1_000,
  rounds: 5,
};

const RETURNING = "returning";

/** What is measured together. */
const PARTS = ["streams", "calls", "return"] as const;

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
if (values.only !== undefined && !PARTS.some((one) => one === values.only)) {
  progress(
    `no part is called "${values.only}"; there are: ${PARTS.join(", ")}`,
  );
  Deno.exit(2);
}
const sizes = values.short ? SHORT : FULL;
const workshop = new Workshop();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    interrupted = true;
    workshop.close().finally(() => Deno.exit(130));
  });
}
try {
  const rows = await measureAll();
  if (values.json) rows.forEach((row) => print(asJsonLine(row)));
  else print(asTable(rows));
  print(summaryOf(rows));
} catch (error) {
  // What an interrupted run stumbles over is only that its processes are gone.
  if (!interrupted) throw error;
} finally {
  await workshop.close();
}
Deno.exit(interrupted ? 130 : 0);

async function measureAll(): Promise<Row[]> {
  const counts = sizes.streams.filter((count) => {
    const missing = descriptorsMissing(count);
    if (missing !== undefined) progress(`left out: ${missing}`);
    return missing === undefined;
  });
  const dataDir = workshop.newPath("control-plane");
  progress("preparing nodes …");
  const { domains, tokens } = await prepareFleet(
    dataDir,
    new Map([
      // One more makes the changes.
      ...counts.map((count) => [streamsName(count), count + 1] as const),
      ...sizes.peers.map((peers) => [peersName(peers), peers + 1] as const),
      [RETURNING, sizes.returning],
    ]),
    sizes.tokens,
  );
  const nodesOf = (name: string) => domains.get(name)!;
  const rows: Row[] = [];
  if (isWanted("streams")) {
    for (const count of counts) {
      progress(`measuring ${count} streams …`);
      const [changer, ...nodes] = nodesOf(streamsName(count));
      rows.push(
        ...await measureStreams(workshop, dataDir, {
          changer: changer!,
          nodes,
          rounds: sizes.rounds,
        }),
      );
    }
  }
  const crew = await Crew.start(workshop);
  const plane = await Server.plane(workshop, dataDir);
  const bare = await Server.bare(workshop);
  const setting = { crew, plane, bare, loadMs: sizes.loadMs };
  if (isWanted("calls")) {
    for (const peers of sizes.peers) {
      progress(`measuring pulls with ${peers} peers …`);
      rows.push(
        ...await measureCalls(setting, peers, nodesOf(peersName(peers))),
      );
    }
    progress("measuring registrations …");
    rows.push(await measureRegistrations(setting, tokens));
  }
  if (isWanted("return")) {
    const nodes = nodesOf(RETURNING);
    progress(`measuring the return of ${nodes.length} nodes …`);
    rows.push(...await measureReturn(setting, nodes));
  }
  return rows;
}

function isWanted(part: typeof PARTS[number]): boolean {
  return values.only === undefined || values.only === part;
}

function streamsName(streams: number): string {
  return `streams-${streams}`;
}

function peersName(peers: number): string {
  return `peers-${peers}`;
}

function summaryOf(rows: readonly Row[]): string {
  const missed = rows.filter(({ met }) => met === false);
  const goals = rows.filter(({ met }) => met !== null).length;
  const names = missed.map(({ name }) => name).join(", ");
  return `${rows.length} figures, ${
    goals - missed.length
  } of ${goals} goals met` +
    (missed.length === 0 ? "" : `; missed: ${names}`);
}

function progress(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(line + "\n"));
}
