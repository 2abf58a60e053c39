import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { commands, size } from "./commands.ts";
import { useCompiled } from "./compiled.ts";
import { events } from "./events.ts";
import { guard } from "./guard.ts";
import { localApi } from "./local_api.ts";
import { memoryUnderLoad } from "./memory_under_load.ts";
import { print } from "./print.ts";
import { memory, start } from "./processes.ts";
import { reads } from "./reads.ts";
import { makeRow, namesFor, type Row } from "./row.ts";
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
 * Progress goes to standard error. For the rest see {@linkcode HELP}.
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
  ...memoryUnderLoad,
  watch,
  ...localApi,
  ...guard,
  ...(program ? [size, commands] : []),
];

const HELP = `Measures each figure beside its floor and prints a table.

Usage: deno task bench [--only NAME] [--json]

  --only NAME  One row, or all of those whose names begin so, such as
               "socket-entry-16" or "tcp". Rows of one line below share their
               processes and are measured together.
  --json       One JSON object a line in place of the table.
  --help       This text.

PLEXD_BIN names a compiled plexd that is measured in place of the source, with
floors that are compiled as well. TMPDIR decides which disk is measured.

Rows:
`;

const { isWanted, json } = readArguments();
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
    if (!names.some(isWanted)) continue;
    progress(`measuring ${names.join(", ")} …`);
    const measured = await bench.measure(workshop);
    const made = bench.subjects.map((subject, at) =>
      makeRow(subject, measured[at]!)
    ).filter((row) => isWanted(row.name));
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
    options: {
      help: { type: "boolean" },
      json: { type: "boolean" },
      only: { type: "string" },
    },
  });
  const groups = BENCHES.map(({ subjects }) =>
    subjects.map(({ name }) => name).join(", ")
  );
  if (values.help) {
    print(HELP + groups.map((names) => `  ${names}`).join("\n"));
    Deno.exit();
  }
  const { only, json = false } = values;
  const wanted = new Set(namesFor(only, groups.join(", ").split(", ")));
  if (wanted.size === 0) {
    progress(`no row is called "${only}"; there are: ${groups.join(", ")}`);
    Deno.exit(2);
  }
  return { isWanted: (name: string) => wanted.has(name), json };
}

function progress(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(line + "\n"));
}
