// Opens a store and does a story's steps, saying on standard output what has
// become durable, until it is done or killed. Arguments: folder, story number.
import { reopen } from "./reopen.ts";
import { storyOf } from "./story.ts";

/** A fault can hit each thread once; more failures than threads are a bug. */
const MOST_TRIES = 40;

const [folder = "", number = "0"] = Deno.args;
const { store } = await again("open", () => reopen(folder));
say("opened");
for (const [at, { run }] of storyOf(Number(number)).entries()) {
  await again(`step ${at}`, () => run(store));
  say(`done ${at + 1}`);
}
await store.close();
// What a start reads and puts in order, it reads here for the first time.
const reopened = await again("open", () => reopen(folder));
for (const { file, what } of reopened.recovered) say(`told ${file}: ${what}`);
await reopened.store.close();
say("reopened");

async function again<Result>(
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      say(
        `failed ${what}: ${error instanceof Error ? error.name : "?"}: ${
          error instanceof Error ? error.message : error
        }`,
      );
      if (tries === MOST_TRIES) throw error;
    }
  }
}

function say(line: string) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
