import { AgentLife, type Blow } from "./agent_life.ts";
import type { Figures } from "./figures.ts";
import type { Seeded } from "./seeded.ts";

/**
 * Calls at which the agent is killed, and how often one thread makes them in
 * its first seconds, about. A blow that is not dealt ends in a plain kill.
 */
const CALLS: readonly (readonly [call: string, most: number])[] = [
  ["fsync", 120],
  ["fdatasync", 8],
  ["rename", 120],
  ["unlink", 20],
  ["mkdir", 20],
  ["openat", 600],
  ["write", 400],
  ["pwrite64", 30],
  ["ftruncate", 3],
  ["connect", 6],
  ["sendto", 60],
];

/** Runs of one node before its last. */
const RUNS = 8;

/**
 * Kills whole agents: `plexd up` with a control plane that feeds it and a client
 * that writes reports, from the empty folder and the first join on. After each
 * kill the disk has to hold every acknowledged report, no older state than was
 * served, and an identity that the next start takes.
 *
 * @param kills How often an agent is killed in all.
 */
export async function wholeAgent(
  figures: Figures,
  random: Seeded,
  kills: number,
): Promise<void> {
  for (let done = 0; done < kills; done += RUNS) {
    await using life = await AgentLife.begin(random);
    for (let run = 0; run < Math.min(RUNS, kills - done); run++) {
      await killOnce(life, figures, blowOf(random));
    }
    try {
      await life.settle();
    } catch (error) {
      figures.losses.push(`an agent does not come to its end: ${error}`);
    }
    figures.acknowledged += life.written;
  }
}

function blowOf(random: Seeded): Blow {
  const [call, most] = random.pick(CALLS);
  return { call, nth: 1 + random.below(most) };
}

async function killOnce(life: AgentLife, figures: Figures, blow: Blow) {
  const where = `agent killed at ${blow.call} ${blow.nth}`;
  const { code, output } = await life.run(blow);
  if (code === undefined) figures.kills++;
  else figures.refused.push(`exit code ${code}: ${lastOf(output)}; ${where}`);
  try {
    const loss = await life.look();
    if (loss) figures.losses.push(`${loss}; ${where}`);
  } catch (error) {
    figures.refused.push(`${error}; ${where}`);
  }
}

function lastOf(output: string): string {
  return output.trimEnd().split("\n").at(-1) ?? "";
}
