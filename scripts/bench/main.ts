import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { commands, size } from "./commands.ts";
import { useCompiled } from "./compiled.ts";
import { events } from "./events.ts";
import { print } from "./print.ts";
import { memory, start } from "./processes.ts";
import { reads } from "./reads.ts";
import { makeRow, type Row } from "./row.ts";
import { store } from "./store.ts";
import { asJsonLine, asTable } from "./table.ts";
import { watch } from "./watch.ts";
import { Workshop } from "./workshop.ts";
import { writes } from "./writes.ts";

/** Measured in place of the source, with floors that are compiled as well. */
const program = Deno.env.get("PLEXD_BIN");

/**
 * Measures each figure beside its floor and prints a table.
 *
 * `PLEXD_BIN` names a compiled plexd that is measured in place of the source.
 * `--json` prints one JSON object a line instead; `--only NAME` measures one
 * row. Progress goes to standard error.
 *
 * @see design, section 11 "Performance floors"
 */
const BENCHES: readonly Bench[] = [
  reads,
  writes,
  store,
  events,
  start,
  memory,
  watch,
  ...(program ? [size, commands] : []),
];

const { only, json } = readArguments();
const workshop = new Workshop();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    interrupted = true;
    workshop.close().finally(() => Deno.exit(130));
  });
}
try {
  if (program) await useCompiled(workshop, resolve(program));
  const rows: Row[] = [];
  for (const bench of BENCHES) {
    const names = bench.subjects.map((subject) => subject.name);
    if (only !== undefined && !names.includes(only)) continue;
    progress(`measuring ${names.join(", ")} …`);
    const measured = await bench.measure(workshop);
    const made = bench.subjects.map((subject, at) =>
      makeRow(subject, measured[at]!)
    ).filter((row) => only === undefined || row.name === only);
    rows.push(...made);
    if (json) made.forEach((row) => print(asJsonLine(row)));
  }
  if (!json) print(asTable(rows));
} catch (error) {
  // What an interrupted run stumbles over is only that its processes are gone.
  if (!interrupted) throw error;
} finally {
  await workshop.close();
}
Deno.exit(interrupted ? 130 : 0);

function readArguments() {
  const { values } = parseArgs({
    options: { json: { type: "boolean" }, only: { type: "string" } },
  });
  const known = BENCHES.flatMap(({ subjects }) => subjects)
    .map(({ name }) => name);
  const { only, json = false } = values;
  if (only !== undefined && !known.includes(only)) {
    progress(`no row is called "${only}"; there are: ${known.join(", ")}`);
    Deno.exit(2);
  }
  return { only, json };
}

function progress(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(line + "\n"));
}
