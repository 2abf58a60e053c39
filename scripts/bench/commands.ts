import { type Bench, ROUNDS } from "./bench.ts";
import { inTurns } from "./row.ts";
import { makeNode, startNode } from "./running_node.ts";
import type { Workshop } from "./workshop.ts";

/** Short and noisy. */
const RUNS = 2 * ROUNDS + 1;

const FLOOR = "scripts/bench/floor_client.ts";

/** What a command costs, from its start to its end, beside a bare program. */
export const commands: Bench = {
  subjects: [
    { name: "version", what: "`plexd --version`", unit: "ms" },
    {
      name: "print-state",
      what: "`plexd --print-state`, from disk",
      unit: "ms",
    },
    {
      name: "state",
      what: "`plexd state`, 1,000 entries",
      unit: "ms",
      goal: { relation: "<=", bound: 1.4, note: "compiled" },
    },
  ],
  async measure(workshop) {
    const node = await makeNode(workshop);
    const plexd = (...words: string[]) => () =>
      wallMs(workshop, "main.ts", words, node.env);
    const floor = (...words: string[]) => () =>
      wallMs(workshop, FLOOR, words, {});
    const version = await inTurns(RUNS, plexd("--version"), floor());
    const fromDisk = await inTurns(RUNS, plexd("--print-state"), floor());
    const agent = await startNode(workshop, node);
    const state = await inTurns(
      RUNS,
      plexd("state"),
      floor(node.socket, "/v1/state"),
    );
    await agent.stop();
    return [version, fromDisk, state];
  },
};

/** Size of the files, when both are programs. */
export const size: Bench = {
  subjects: [{ name: "size", what: "size of the program", unit: "MiB" }],
  measure(workshop) {
    const mebibytes = (script: string) =>
      Deno.statSync(workshop.programOf(script) ?? script).size / 1024 / 1024;
    return Promise.resolve([
      { value: mebibytes("main.ts"), floor: mebibytes(FLOOR) },
    ]);
  },
};

async function wallMs(
  workshop: Workshop,
  script: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const started = performance.now();
  await workshop.start(script, words, env).output();
  return performance.now() - started;
}
