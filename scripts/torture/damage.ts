import { damagedUnread } from "../../src/store/unread_files.ts";
import { FakeClock } from "../../tests/fakes/fake_clock.ts";
import type { Figures } from "./figures.ts";
import { NONE, observe, type Seen } from "./observe.ts";
import { PowerDisk } from "./power_disk.ts";
import {
  MEMORY_ROOT,
  type Reopened,
  reopenInMemory,
  SEAL_KEY,
} from "./reopen.ts";
import type { Seeded } from "./seeded.ts";
import { FIRST_HOURS } from "./story.ts";
import { emptyFolders } from "./tree.ts";

/** Steps of the story after which the files are damaged: most kinds are there. */
const MOMENTS: readonly number[] = [1, 17, 20, FIRST_HOURS.length];

/** Parts that may stop the node, and nothing else may. */
const MAY_REFUSE: readonly string[] = [
  "identity",
  "rotation",
  "trusted keys",
  "trust bundle",
  "marks",
];

type Files = Map<string, Uint8Array<ArrayBuffer>>;

/**
 * Flips bits and cuts ends off every file that a node's first hours leave, and
 * looks at what is served then: what was there, or nothing, or what was there
 * before, and never without a word.
 *
 * @param each Damages for each file: as many flipped bits and missing ends.
 */
export async function damage(
  figures: Figures,
  random: Seeded,
  each: number,
): Promise<void> {
  const seen = new Map<number, Seen>();
  const moments = new Map<number, Files>();
  const disk = new PowerDisk(emptyFolders());
  const { store } = await reopenInMemory(disk);
  for (const [at, { run }] of FIRST_HOURS.entries()) {
    await run(store);
    seen.set(at + 1, await observe(store, disk));
    if (MOMENTS.includes(at + 1)) moments.set(at + 1, disk.files);
  }
  await store.close();
  for (const [done, files] of moments) {
    const earlier = [...seen].filter(([at]) => at <= done)
      .map(([, part]) => part);
    for (const [path, bytes] of files) {
      for (const one of damages(bytes, random, each)) {
        figures.damages++;
        const damaged = new Map(files).set(path, one.bytes);
        const fault = await faultIn(damaged, earlier);
        if (!fault) continue;
        const file = path.slice(MEMORY_ROOT.length + 1);
        figures.losses.push(`${fault}; ${one.how} of ${file} at ${done}`);
      }
    }
  }
}

function* damages(
  bytes: Uint8Array<ArrayBuffer>,
  random: Seeded,
  each: number,
): Generator<{ how: string; bytes: Uint8Array<ArrayBuffer> }> {
  for (let count = 0; count < each && bytes.length > 0; count++) {
    const at = random.below(bytes.length);
    const bit = random.below(8);
    const flipped = bytes.slice();
    flipped[at]! ^= 1 << bit;
    yield { how: `flipped bit ${bit} of byte ${at}`, bytes: flipped };
    const end = count === 0 ? 0 : random.below(bytes.length);
    yield { how: `end cut off at ${end}`, bytes: bytes.slice(0, end) };
  }
}

/** @param earlier What was seen after each step up to now. */
async function faultIn(
  files: Files,
  earlier: readonly Seen[],
): Promise<string | undefined> {
  const disk = new PowerDisk(emptyFolders(), files);
  const found = await damagedUnread({
    disk,
    root: MEMORY_ROOT,
    cluster: "default",
    key: SEAL_KEY,
    clock: new FakeClock(),
  });
  let opened: Reopened;
  try {
    opened = await reopenInMemory(disk);
  } catch (error) {
    return `the start is refused: ${error}`;
  }
  const seen = await observe(opened.store, disk);
  await opened.store.close();
  const refused = [...seen].filter(([, text]) => text.startsWith("refused: "));
  const wrong = wrongValue(seen, earlier);
  if (wrong) return wrong;
  const isTold = opened.recovered.length + found.length + refused.length > 0;
  return isTold ? undefined : "it is not noticed";
}

/**
 * Whatever is served has been true; only what can stop the node may refuse.
 *
 * @param earlier What was seen before, after each step.
 * @returns undefined when nothing is wrong.
 */
export function wrongValue(
  seen: Seen,
  earlier: readonly Seen[],
): string | undefined {
  const known = earlier.flatMap((one) => [...one.values()]);
  for (const [part, text] of seen) {
    if (text === NONE || known.includes(text)) continue;
    const isRefused = /^refused: Corrupt(?:Identity|Trust)Error$/.test(text);
    if (isRefused && MAY_REFUSE.includes(part)) continue;
    const pieces = piecesOf(part, text);
    if (pieces?.every((piece) => known.some((one) => one.includes(piece)))) {
      continue;
    }
    return `${part} is ${text.slice(0, 400)}`;
  }
  return undefined;
}

/**
 * What of a part may be missing by itself, so that the rest is served; undefined
 * when it is all or nothing.
 */
function piecesOf(part: string, text: string): string[] | undefined {
  if (part === "health" && text === NO_HEALTH) return [];
  if (part === "rotation" && text === LOST_ROTATION) return [];
  if (!MAY_BE_PARTIAL.includes(part)) return undefined;
  const value = JSON.parse(text);
  // A state that says it is whole has to be.
  if (value.complete === true) return undefined;
  return Object.values(value).flatMap((piece) =>
    Array.isArray(piece) ? piece : [piece]
  ).map((piece) => JSON.stringify(piece));
}

const NO_HEALTH = '{"contact":{},"reasons":[]}';
/** The damage itself: the node rotates its key anew for it. */
const LOST_ROTATION = '{"isLost":true}';
const MAY_BE_PARTIAL: readonly string[] = [
  "state",
  "events",
  "unsynced",
];
