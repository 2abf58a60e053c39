import { systemDisk } from "../../src/store/disk.ts";
import { copyFolder } from "../../tests/store/open_store.ts";
import { moved, nameOf, WORKERS } from "./kill_matrix.ts";
import type { TrialOptions } from "./kill_matrix.ts";
import { backUpTo, mend, type Mending } from "./mend.ts";
import { observe, type Seen } from "./observe.ts";
import { isSame, lossIn } from "./oracle.ts";
import { reopen } from "./reopen.ts";
import { sideBySide } from "./side_by_side.ts";
import { inject, record, type Words } from "./strace.ts";
import { storyOf } from "./story.ts";

/** A membership, and what is done to it. */
interface Case {
  readonly name: string;
  /** Folder that each trial begins with a copy of. */
  readonly start: string;
  readonly what: Mending;
}

/** Steps after which the older membership is left. */
const OLDER = 12;

/**
 * Kills `store repair` and `store restore` before every call that they make.
 * What is left has to open, with each part as before or as at the end, and the
 * same command has to come to its end from there.
 */
export async function mendMatrix(options: TrialOptions): Promise<void> {
  const { folder } = options;
  const cases = await prepare(folder, options.story);
  for (const one of cases) await killIn(one, options);
  await Deno.remove(`${folder}/mend`, { recursive: true });
}

async function prepare(folder: string, story: number): Promise<Case[]> {
  const home = `${folder}/mend`;
  const steps = storyOf(story);
  const play = async (name: string, count: number) => {
    const { store } = await reopen(`${home}/${name}`);
    for (const { run } of steps.slice(0, count)) await run(store);
    await store.close();
    return `${home}/${name}`;
  };
  const sound = await play("sound", steps.length);
  const older = await play("older", Math.min(OLDER, steps.length >> 1));
  const backup = `${home}/backup`;
  await backUpTo(sound, backup);
  const damaged = `${home}/damaged`;
  copyFolder(sound, damaged);
  damageAll(`${damaged}/clusters/default`);
  const empty = `${home}/empty`;
  Deno.mkdirSync(empty, { mode: 0o700 });
  return [
    { name: "repair", start: damaged, what: "repair" },
    { name: "restore into an empty folder", start: empty, what: backup },
    { name: "restore over an older one", start: older, what: backup },
  ];
}

/** Harm of each kind, in whatever may be harmed without stopping the node. */
function damageAll(root: string) {
  tear(`${root}/state/metadata.json`);
  tear(`${root}/sync/synced.json`);
  tearOne(`${root}/state/data`);
  tearOne(`${root}/state/report`);
  tearOne(`${root}/executions`);
  const snapshots = namesIn(`${root}/snapshots`)
    .filter((name) => name.endsWith(".sealed"));
  tear(`${root}/snapshots/${snapshots.at(-1)}`);
  Deno.writeTextFileSync(`${root}/snapshots/pending.sealed`, "half");
  Deno.writeTextFileSync(`${root}/tmp/left-over`, "half");
  Deno.chmodSync(`${root}/trust/marks.json`, 0o644);
}

function tearOne(folder: string) {
  const [name] = namesIn(folder);
  if (name !== undefined) tear(`${folder}/${name}`);
}

function tear(path: string) {
  try {
    const { size } = Deno.statSync(path);
    Deno.truncateSync(path, size >> 1);
  } catch (error) {
    // Not every story has it.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
    .map(({ name }) => name).sort();
}

async function killIn(
  { name, start, what }: Case,
  { folder, figures, random, most }: TrialOptions,
) {
  const begin = async (dataDir: string): Promise<Words> => {
    await Deno.remove(dataDir, { recursive: true }).catch(() => {});
    copyFolder(start, dataDir);
    return ["mend_driver.ts", dataDir, what];
  };
  const recorded = `${folder}/record`;
  await begin(recorded);
  const before = (await look(recorded)).seen;
  const points = await record(await begin(recorded));
  const after = (await look(recorded)).seen;
  await Deno.remove(recorded, { recursive: true });
  const chosen = most === undefined ? points : random.sample(points, most);
  await sideBySide(chosen, WORKERS, async (point, worker) => {
    const dataDir = `${folder}/${worker}`;
    const here = moved(point, recorded, dataDir);
    const run = await inject(await begin(dataDir), here, "signal=SIGKILL");
    const where = `killed at ${nameOf(point, folder)}, ${name}`;
    if (run.isKilled) figures.kills++;
    // Threads can share the calls out in another way than was recorded.
    else if (run.code !== 0) figures.untyped.push(`${run.complaint}; ${where}`);
    try {
      const { seen, isMarked } = await look(dataDir);
      figures.acknowledged += before.size;
      const loss = lossIn(known(seen), known(before), known(after)) ??
        lossInMark(seen, before, what === "repair" || isMarked);
      if (loss) figures.losses.push(`${loss}; ${where}`);
    } catch (error) {
      figures.refused.push(`${error}; ${where}`);
    }
    try {
      await mend(dataDir, what);
      const later = lossIn((await look(dataDir)).seen, after);
      if (later) figures.losses.push(`done again: ${later}; ${where}`);
    } catch (error) {
      figures.untyped.push(`done again: ${error}; ${where}`);
    }
  });
  for (let worker = 0; worker < WORKERS; worker++) {
    await Deno.remove(`${folder}/${worker}`, { recursive: true })
      .catch(() => {});
  }
}

/** What is unsynced follows from two parts: on the way it is one of each. */
function known(seen: Seen): Seen {
  return new Map([...seen].filter(([part]) => part !== "unsynced"));
}

/** Nothing of a backup may be there before the marker that says so. */
function lossInMark(seen: Seen, before: Seen, isMarked: boolean) {
  if (isMarked || isSame(seen, before)) return undefined;
  return "something is restored, and nothing says so";
}

interface Look {
  readonly seen: Seen;
  /** Whether it says that the control plane has to be asked first. */
  readonly isMarked: boolean;
}

async function look(dataDir: string): Promise<Look> {
  const { store } = await reopen(dataDir);
  try {
    const { isPending } = store.restored;
    return { seen: await observe(store, systemDisk), isMarked: isPending };
  } finally {
    await store.close();
  }
}
