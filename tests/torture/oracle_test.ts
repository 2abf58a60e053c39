import assert from "node:assert/strict";
import { Figures } from "../../scripts/torture/figures.ts";
import { lossIn, unexplained } from "../../scripts/torture/oracle.ts";
import { NONE, observe } from "../../scripts/torture/observe.ts";
import { PowerDisk } from "../../scripts/torture/power_disk.ts";
import { rehearse } from "../../scripts/torture/rehearse.ts";
import { reopenInMemory } from "../../scripts/torture/reopen.ts";
import { Seeded } from "../../scripts/torture/seeded.ts";
import { FIRST_HOURS, randomStory } from "../../scripts/torture/story.ts";
import { pointsIn } from "../../scripts/torture/strace.ts";
import { emptyFolders } from "../../scripts/torture/tree.ts";

const seen = (parts: Record<string, string>) => new Map(Object.entries(parts));

const acknowledged = seen({ state: "1", identity: "a" });
const next = seen({ state: "2", identity: "b" });

for (
  const { what, found, loss } of [
    { what: "as it was acknowledged", found: { state: "1", identity: "a" } },
    { what: "as it was being made", found: { state: "2", identity: "b" } },
    { what: "one part of each", found: { state: "2", identity: "a" } },
    {
      what: "an identity that was being replaced, gone",
      found: { state: "1" },
    },
    {
      what: "a state that was being replaced, gone",
      found: { identity: "a" },
      loss: /state is none instead of 1 or 2/,
    },
    {
      what: "something of which nobody knew",
      found: { state: "1", identity: "a", report: "x" },
      loss: /report is x instead of none/,
    },
  ]
) {
  Deno.test(`lossIn() judges: ${what}`, () => {
    const verdict = lossIn(
      seen(found as Record<string, string>),
      acknowledged,
      next,
    );
    if (loss) assert.match(verdict ?? "", loss);
    else assert.equal(verdict, undefined);
  });
}

Deno.test("lossIn() allows no identity to vanish when none was being made", () => {
  const gone = seen({ state: "1", identity: NONE });
  assert.match(lossIn(gone, acknowledged) ?? "", /identity is none/);
});

Deno.test("unexplained() passes over nothing but a torn line", () => {
  const torn = { file: "log", what: "a line is torn", action: "left out" };
  const other = { ...torn, what: "damaged" };
  assert.deepEqual(unexplained([torn, other]), [other]);
});

Deno.test("a power cut takes back names that were not synced, and torn writes", async () => {
  const disk = new PowerDisk(["/d"], [["/d/a", new Uint8Array([1])]]);
  disk.createNow("/d/new", new Uint8Array([2]));
  disk.rename("/d/new", "/d/a");
  const versions = () => disk.moment.names.get("/d/a")?.map((one) => one?.[0]);
  assert.deepEqual(versions(), [2, 1]);
  disk.openFolder("/d").syncNow();
  assert.deepEqual(versions(), [2]);

  const torn: unknown[] = [];
  const logged = new PowerDisk(
    ["/d"],
    [["/d/log", new Uint8Array(4)]],
    ({ moment }) =>
      torn.push(moment.names.get("/d/log")?.map((one) => one![0])),
  );
  await logged.openLog("/d/log").write(0, new Uint8Array([7, 7]));
  assert.deepEqual(torn, [[0], [7, 0, 7]]);
});

Deno.test("a disk that forgets what it has synced is found out", async () => {
  const story = FIRST_HOURS.slice(0, 6);
  const after = await rehearse(story);
  const disk = new PowerDisk(emptyFolders());
  const { store } = await reopenInMemory(disk);
  for (const { run } of story) await run(store);
  await store.close();
  for (const path of disk.files.keys()) {
    // Parts of the state are put in place again from its sums.
    if (/\/(?:state\/(?!\.sums)|peers\/)/.test(path)) continue;
    const files = disk.files;
    files.delete(path);
    const left = new PowerDisk(emptyFolders(), files);
    const opened = await reopenInMemory(left);
    const found = await observe(opened.store, left);
    assert.notEqual(lossIn(found, after.at(-1)!), undefined, path);
    await opened.store.close();
  }
});

Deno.test("a story of chance is the same for the same seed, and can be played", async () => {
  const names = (seed: number) =>
    randomStory(new Seeded(seed), 12).map(({ name }) => name);
  assert.deepEqual(names(7), names(7));
  assert.notDeepEqual(names(7), names(8));
  const played = await rehearse(randomStory(new Seeded(7), 12));
  assert.equal(played.length, 13);
});

Deno.test("pointsIn() counts the calls of each thread on each path", () => {
  const log = [
    '7 openat(AT_FDCWD</x>, "/tmp/d/a", O_RDONLY) = 3</tmp/d/a>',
    "7 write(3</tmp/d/a>, ..., 1) = 1",
    '7 openat(AT_FDCWD</x>, "/tmp/d/a", O_RDONLY) = 3</tmp/d/a>',
    '8 openat(AT_FDCWD</x>, "/tmp/d/a", O_RDONLY) = 3</tmp/d/a>',
    '7 openat(AT_FDCWD</x>, "/lib/c.so", O_RDONLY) = 3</lib/c.so>',
    "7 <... fsync resumed>) = 0",
  ].join("\n");
  assert.deepEqual(pointsIn(log, "/tmp/d"), [
    { call: "openat", path: "/tmp/d/a", nth: 1 },
    { call: "write", path: "/tmp/d/a", nth: 1 },
    { call: "openat", path: "/tmp/d/a", nth: 2 },
  ]);
});

Deno.test("the figures' last line sums up, with the seed to repeat them", () => {
  const figures = new Figures();
  figures.kills = 2;
  figures.acknowledged = 5;
  assert.match(figures.lines(9).at(-1)!, /^ok: 2 .*0 losses.*--seed 9\)$/);
  figures.losses.push("a report is gone");
  const lines = figures.lines(9);
  assert.match(lines.at(-1)!, /^FAILED: .*1 losses/);
  assert.ok(lines.includes("WRONG: a report is gone"));
  assert.equal(figures.isGood, false);
});
