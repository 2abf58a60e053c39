import assert from "node:assert/strict";
import { Consumer, SAVE_EVERY_MS } from "../../../src/cli/watch/consumer.ts";
import { CursorStore } from "../../../src/cli/watch/cursor_store.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const name = { membership: "m", consumer: "c", channel: "watch?" };

interface Bench {
  readonly clock: FakeClock;
  readonly folder: string;
  readonly failures: unknown[];
  open(): Consumer;
  /** What a reader that comes back would begin with. */
  saved(): string | undefined;
}

async function withFolder(work: (bench: Bench) => Promise<void>) {
  const folder = Deno.makeTempDirSync({ prefix: "plexd-consumer-" });
  const clock = new FakeClock();
  const store = new CursorStore(`${folder}/watch`, clock);
  const failures: unknown[] = [];
  try {
    await work({
      clock,
      folder: `${folder}/watch`,
      failures,
      open: () => new Consumer(store, name, clock, (one) => failures.push(one)),
      saved: () => store.use(name),
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("Consumer saves how far it has come once a second, and the rest in the end", () =>
  withFolder(async ({ clock, open, saved }) => {
    const consumer = open();
    assert.equal(consumer.position, undefined);
    consumer.reached("run.1");
    consumer.reached("run.2");
    assert.equal(saved(), undefined);
    await clock.advance(SAVE_EVERY_MS);
    assert.equal(saved(), "run.2");
    consumer.reached("run.3");
    assert.equal(saved(), "run.2");
    await consumer.end();
    assert.equal(saved(), "run.3");
    assert.deepEqual(clock.sleeping, []);
    assert.equal(open().position, "run.3");
  }));

Deno.test("Consumer does not write while it stays where it is, but that it is there", () =>
  withFolder(async ({ clock, folder, open }) => {
    const consumer = open();
    consumer.reached("run.1");
    await clock.advance(SAVE_EVERY_MS);
    const file = `${folder}/cursors.json`;
    const first = Deno.readTextFileSync(file);
    consumer.reached("run.1");
    assert.deepEqual(clock.sleeping, []);
    await clock.advance(24 * 60 * 60 * 1_000);
    consumer.reached("run.1");
    await clock.advance(SAVE_EVERY_MS);
    assert.notEqual(Deno.readTextFileSync(file), first);
    await consumer.end();
  }));

Deno.test("Consumer tells when its place cannot be saved, and tries again with the next", () =>
  withFolder(async ({ clock, folder, failures, open, saved }) => {
    const consumer = open();
    Deno.removeSync(folder, { recursive: true });
    Deno.writeTextFileSync(folder, "in the way");
    consumer.reached("run.1");
    await clock.advance(SAVE_EVERY_MS);
    assert.equal(failures.length, 1);
    Deno.removeSync(folder);
    consumer.reached("run.1");
    await consumer.end();
    assert.equal(failures.length, 1);
    assert.equal(saved(), "run.1");
  }));
