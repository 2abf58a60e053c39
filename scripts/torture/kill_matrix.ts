import { systemDisk } from "../../src/store/disk.ts";
import type { Figures } from "./figures.ts";
import { observe, type Seen } from "./observe.ts";
import { isSame, lossIn, unexplained } from "./oracle.ts";
import { finish, rehearse } from "./rehearse.ts";
import { reopen, type Reopened } from "./reopen.ts";
import { sideBySide } from "./side_by_side.ts";
import { inject, playing, type Point, record, type Run } from "./strace.ts";
import { type Step, storyOf } from "./story.ts";
import type { Seeded } from "./seeded.ts";

/** What the trials with strace share. */
export interface TrialOptions {
  /** An empty folder for whatever is needed. */
  readonly folder: string;
  readonly figures: Figures;
  readonly random: Seeded;
  /** Story that the driver plays. */
  readonly story: number;
  /** Calls that are tried at most. @default {all of them} */
  readonly most?: number;
}

/** Processes that run at the same time. */
export const WORKERS = 2;

/**
 * Kills the driver before every call that its story makes, opens the store that
 * is left, and goes on to the story's end.
 */
export async function killMatrix(options: TrialOptions): Promise<void> {
  const { folder, figures, random, story, most } = options;
  const steps = storyOf(story);
  const seen = await rehearse(steps);
  const points = await pointsOf(options);
  const chosen = most === undefined ? points : random.sample(points, most);
  await sideBySide(chosen, WORKERS, async (point, worker) => {
    const dataDir = `${folder}/${worker}`;
    const here = moved(point, `${folder}/record`, dataDir);
    const run = await inject(playing(dataDir, story), here, "signal=SIGKILL");
    const where = `killed at ${nameOf(point, folder)}, story ${story}`;
    if (run.isKilled) figures.kills++;
    // Threads can share the calls out in another way than was recorded.
    else if (run.code !== 0) figures.untyped.push(`${run.complaint}; ${where}`);
    await lookAfter(dataDir, run, seen, steps, figures, where);
    await Deno.remove(dataDir, { recursive: true }).catch(() => {});
  });
}

/** Every call that the story makes, as it is run by itself. */
export async function pointsOf(
  { folder, story }: TrialOptions,
): Promise<Point[]> {
  const dataDir = `${folder}/record`;
  const points = await record(playing(dataDir, story));
  await Deno.remove(dataDir, { recursive: true });
  return points;
}

/** The same call in another data folder. */
export function moved(point: Point, from: string, to: string): Point {
  return { ...point, path: point.path.replace(from, to) };
}

/** For people. */
export function nameOf({ call, path, nth }: Point, folder: string): string {
  return `${call} ${nth} of ${path.replace(`${folder}/record`, "")}`;
}

/** Steps that a run has acknowledged. */
export function doneIn({ said }: Run): number {
  return said.filter((line) => line.startsWith("done ")).length;
}

/** Opens what a run has left, compares it, and goes on with it. */
async function lookAfter(
  dataDir: string,
  run: Run,
  seen: readonly Seen[],
  steps: readonly Step[],
  figures: Figures,
  where: string,
) {
  const done = doneIn(run);
  figures.acknowledged += done;
  let opened: Reopened;
  try {
    opened = await reopen(dataDir);
  } catch (error) {
    figures.refused.push(`${error}; ${where}`);
    return;
  }
  try {
    const found = await observe(opened.store, systemDisk);
    const [told] = unexplained(opened.recovered);
    if (told) figures.losses.push(`${told.file}: ${told.what}; ${where}`);
    const next = seen[done + 1];
    const loss = lossIn(found, seen[done]!, next);
    if (loss) figures.losses.push(`${loss}; ${where}`);
    const from = next && isSame(found, next) ? done + 1 : done;
    const later = lossIn(await finish(opened, steps, from), seen.at(-1)!);
    if (later) figures.losses.push(`having gone on: ${later}; ${where}`);
  } catch (error) {
    figures.untyped.push(`having gone on: ${error}; ${where}`);
  } finally {
    await opened.store.close();
  }
}
