import assert from "node:assert/strict";
import { progressOn } from "../../../src/cli/output/progress.ts";
import { NO_SCREEN, type Screen } from "../../../src/cli/output/screen.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const TERMINAL: Screen = { columns: 40, steerable: true, colour: true };

function stage(screen: Screen) {
  const clock = new FakeClock();
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  return { clock, written, progress: progressOn({ screen, clock, write }) };
}

Deno.test("progress says nothing about what is over within a second", async () => {
  const { clock, written, progress } = stage(TERMINAL);
  const done = Promise.withResolvers<number>();
  const result = progress("Asking", () => done.promise);
  await clock.advance(999);
  done.resolve(7);
  assert.equal(await result, 7);
  assert.deepEqual(written, []);
});

Deno.test("progress shows what goes on, each second, and is gone at the end", async () => {
  const { clock, written, progress } = stage(TERMINAL);
  const done = Promise.withResolvers<void>();
  const result = progress("Asking", async (tell) => {
    await clock.sleep(1_500, new AbortController().signal);
    tell("Asking again");
    await done.promise;
  });
  await clock.advance(2_000);
  done.resolve();
  await result;
  assert.deepEqual(written, [
    "\r\x1b[KAsking ... 1 s",
    "\r\x1b[KAsking again ... 2 s",
    "\r\x1b[KAsking again ... 2 s",
    "\r\x1b[K",
  ]);
});

Deno.test("progress fits the terminal, whatever is told", async () => {
  const { clock, written, progress } = stage(TERMINAL);
  const done = Promise.withResolvers<void>();
  const result = progress("x".repeat(100) + "\n", () => done.promise);
  await clock.advance(1_000);
  done.resolve();
  await result;
  assert.equal(written[0], `\r\x1b[K${"x".repeat(38)}…`);
});

Deno.test("progress erases itself when the work fails, and passes that on", async () => {
  const { clock, written, progress } = stage(TERMINAL);
  const done = Promise.withResolvers<void>();
  const result = progress("Asking", () => done.promise);
  await clock.advance(1_000);
  done.reject(new Error("refused"));
  await assert.rejects(result, /refused/);
  assert.equal(written.at(-1), "\r\x1b[K");
});

Deno.test("progress is one plain line where nothing can be erased", async () => {
  const { clock, written, progress } = stage({ ...TERMINAL, steerable: false });
  const done = Promise.withResolvers<void>();
  const result = progress("Asking", () => done.promise);
  await clock.advance(3_000);
  done.resolve();
  await result;
  assert.deepEqual(written, ["Asking ...\n"]);
});

Deno.test("progress is silent without a terminal", async () => {
  const { clock, written, progress } = stage(NO_SCREEN);
  await progress(
    "Asking",
    () => Promise.resolve(),
  );
  assert.deepEqual([written, clock.sleeping], [[], []]);
});
