import { systemDisk } from "../../src/store/disk.ts";
import {
  doneIn,
  moved,
  nameOf,
  pointsOf,
  type TrialOptions,
  WORKERS,
} from "./kill_matrix.ts";
import { wrongValue } from "./damage.ts";
import { observe, type Seen } from "./observe.ts";
import { lossIn } from "./oracle.ts";
import { rehearse } from "./rehearse.ts";
import { reopen } from "./reopen.ts";
import { sideBySide } from "./side_by_side.ts";
import { inject, playing, type Run } from "./strace.ts";
import { storyOf } from "./story.ts";
import type { Figures } from "./figures.ts";

/** What calls are made to fail with. */
export const CODES = ["EIO", "ENOSPC", "EMFILE", "EACCES"] as const;

/** Errors that say in the store's own words what did not work. */
const TYPED: readonly string[] = [
  "StoreWriteError",
  "StoreOpenError",
  "StoreReadError",
];

/**
 * What a start that could not read a file rebuilds or asks for again. It says
 * so; a report, a key or a mark is never among them.
 */
const REBUILT: readonly string[] = [
  "state",
  "health",
  "unsynced",
  "spent tokens",
  "sessions",
];

/**
 * Makes every call that a story makes fail, once, in each way. The driver tries
 * a failed step again, so it has to come to the story's end, and all of it has
 * to be there afterwards.
 */
export async function faultSweep(options: TrialOptions): Promise<void> {
  const { folder, figures, random, story, most } = options;
  const steps = storyOf(story);
  const seen = await rehearse(steps);
  const all = (await pointsOf(options)).flatMap((point) =>
    CODES.map((code) => ({ point, code }))
  );
  const chosen = most === undefined ? all : random.sample(all, most);
  await sideBySide(chosen, WORKERS, async ({ point, code }, worker) => {
    const dataDir = `${folder}/${worker}`;
    const here = moved(point, `${folder}/record`, dataDir);
    const run = await inject(playing(dataDir, story), here, `error=${code}`);
    if (run.hits > 0) figures.faults++;
    const where = `${code} at ${nameOf(point, folder)}, story ${story}`;
    noteFailures(run, figures, where);
    await lookAfter(dataDir, run, seen, figures, where);
    await Deno.remove(dataDir, { recursive: true });
  });
}

/** Every failure has to have a type, and the driver to have survived it. */
function noteFailures(run: Run, figures: Figures, where: string) {
  for (const line of run.said) {
    const [, name = ""] = /^failed [^:]*: (\w+)/.exec(line) ?? [];
    if (name === "" || TYPED.includes(name)) continue;
    figures.untyped.push(`${line}; ${where}`);
  }
  if (run.code !== 0) {
    figures.untyped.push(`the process ended: ${run.complaint}; ${where}`);
  }
}

async function lookAfter(
  dataDir: string,
  run: Run,
  seen: readonly Seen[],
  figures: Figures,
  where: string,
) {
  const done = doneIn(run);
  figures.acknowledged += done;
  try {
    const { store } = await reopen(dataDir);
    const found = await observe(store, systemDisk);
    await store.close();
    const isTold = run.said.some((line) => line.startsWith("told "));
    const loss = isTold
      ? wrongValue(found, seen) ?? lossIn(without(found), without(seen[done]!))
      : lossIn(found, seen[done]!, seen[done + 1]);
    if (isTold) figures.repairs++;
    if (loss) figures.losses.push(`${loss}; ${where}`);
  } catch (error) {
    figures.refused.push(`${error}; ${where}`);
  }
}

function without(seen: Seen): Seen {
  return new Map([...seen].filter(([part]) => !REBUILT.includes(part)));
}
