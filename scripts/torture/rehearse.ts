import { observe, type Seen } from "./observe.ts";
import { type Reopened, reopenInMemory } from "./reopen.ts";
import { PowerDisk } from "./power_disk.ts";
import type { Step } from "./story.ts";
import { emptyFolders } from "./tree.ts";

/**
 * What is seen after none, one, two … of the steps, when nothing goes wrong.
 */
export async function rehearse(story: readonly Step[]): Promise<Seen[]> {
  const disk = new PowerDisk(emptyFolders());
  const { store } = await reopenInMemory(disk);
  const seen = [await observe(store, disk)];
  for (const step of story) {
    await step.run(store);
    seen.push(await observe(store, disk));
  }
  await store.close();
  return seen;
}

/** Does the steps from `from` on, and answers what is seen then. */
export async function finish(
  { store, disk }: Reopened,
  story: readonly Step[],
  from: number,
): Promise<Seen> {
  for (const step of story.slice(from)) await step.run(store);
  return await observe(store, disk);
}
