import type { Figures } from "./figures.ts";
import { observe, type Seen } from "./observe.ts";
import { isSame, lossIn, unexplained } from "./oracle.ts";
import { type Moment, PowerDisk } from "./power_disk.ts";
import { finish } from "./rehearse.ts";
import { type Reopened, reopenInMemory } from "./reopen.ts";
import type { Seeded } from "./seeded.ts";
import { FIRST_HOURS, randomStory, type Step } from "./story.ts";
import { emptyFolders } from "./tree.ts";

/** States tried at one moment; most moments have fewer. */
const MOST_AT_ONCE = 12;

/** One in so many states is gone on from, until the story's end. */
const GO_ON_EVERY = 25;

/** Steps of a story of chance. */
const LONGEST_STORY = 16;

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A moment in a story, with how far the story was. */
interface Cut extends Moment {
  /** Steps that were acknowledged. */
  readonly done: number;
}

/**
 * Cuts the power at every step that stories take on their disk, and looks at
 * what may be left: first at a node's first hours, then at stories of chance.
 */
export async function powerLoss(
  figures: Figures,
  random: Seeded,
  states: number,
): Promise<void> {
  const end = figures.states + states;
  await cutStory(FIRST_HOURS, figures, random, end);
  while (figures.states < end) {
    const length = 4 + random.below(LONGEST_STORY - 4);
    await cutStory(randomStory(random, length), figures, random, end);
  }
}

async function cutStory(
  story: readonly Step[],
  figures: Figures,
  random: Seeded,
  end: number,
) {
  const { cuts, seen } = await play(story);
  // A limit must not leave out a story's end each time.
  for (const cut of random.sample(cuts, cuts.length)) {
    for (const files of statesOf(cut, random)) {
      if (figures.states >= end) return;
      figures.states++;
      figures.acknowledged += cut.done;
      const goesOn = figures.states % GO_ON_EVERY === 0;
      const fault = await faultIn(files, cut.done, seen, story, goesOn);
      if (!fault) continue;
      const where = `power cut after ${cut.done} steps of ` +
        story.map(({ name }) => name).join(", ");
      const list = fault.isRefusal ? figures.refused : figures.losses;
      list.push(`${fault.what}; ${where}`);
    }
  }
}

/** Plays a story to its end, noting every moment that is different. */
async function play(story: readonly Step[]) {
  const cuts: Cut[] = [];
  let done = 0;
  const disk = new PowerDisk(emptyFolders(), [], ({ moment }) => {
    cuts.push({ ...moment, done });
  });
  const { store } = await reopenInMemory(disk);
  const seen = [await observe(store, disk)];
  for (const { run } of story) {
    await run(store);
    done++;
    // Acknowledged, and nothing done since: the sharpest moment of all.
    cuts.push({ ...disk.moment, done });
    seen.push(await observe(store, disk));
  }
  await store.close();
  return { cuts, seen };
}

/** Nothing taken back, everything, and combinations of chance. */
function statesOf({ names }: Cut, random: Seeded): Files[] {
  const open = [...names].filter(([, versions]) => versions.length > 1);
  const count = open.reduce((sum, [, { length }]) => sum * length, 1);
  const states = new Map<string, Files>();
  const add = (pick: (versions: number) => number) => {
    const picks = open.map(([, { length }]) => pick(length));
    const key = picks.join();
    if (!states.has(key)) states.set(key, filesOf(names, open, picks));
  };
  add(() => 0);
  add((versions) => versions - 1);
  const wanted = Math.min(count, MOST_AT_ONCE);
  // Chance may hit the same one again and again; the rest is not worth it.
  for (let tries = 0; states.size < wanted && tries < 8 * wanted; tries++) {
    add((versions) => random.below(versions));
  }
  return [...states.values()];
}

function filesOf(
  names: Moment["names"],
  open: readonly (readonly [string, readonly unknown[]])[],
  picks: readonly number[],
): Files {
  const picked = new Map(open.map(([path], at) => [path, picks[at]!]));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [path, versions] of names) {
    const bytes = versions[picked.get(path) ?? 0];
    if (bytes) files.set(path, bytes);
  }
  return files;
}

interface Fault {
  readonly what: string;
  readonly isRefusal: boolean;
}

async function faultIn(
  files: Files,
  done: number,
  seen: readonly Seen[],
  story: readonly Step[],
  goesOn: boolean,
): Promise<Fault | undefined> {
  const disk = new PowerDisk(emptyFolders(), files);
  let opened: Reopened;
  try {
    opened = await reopenInMemory(disk);
  } catch (error) {
    return { what: `refused: ${error}`, isRefusal: true };
  }
  const { store, recovered } = opened;
  const found = await observe(store, disk);
  const told = unexplained(recovered)[0];
  const loss = told
    ? `${told.file}: ${told.what}`
    : lossIn(found, seen[done]!, seen[done + 1]) ??
      (goesOn ? await lossLater(opened, found, done, seen, story) : undefined);
  await store.close();
  return loss === undefined ? undefined : { what: loss, isRefusal: false };
}

/** What is wrong once the story has gone on to its end. */
async function lossLater(
  opened: Reopened,
  found: Seen,
  done: number,
  seen: readonly Seen[],
  story: readonly Step[],
): Promise<string | undefined> {
  const next = seen[done + 1];
  const from = next && isSame(found, next) ? done + 1 : done;
  const loss = lossIn(await finish(opened, story, from), seen.at(-1)!);
  return loss && `having gone on: ${loss}`;
}
