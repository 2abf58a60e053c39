import assert from "node:assert/strict";
import { isoTime, systemClock } from "../../src/platform/clock.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const clocks = [
  { name: "systemClock", make: () => systemClock },
  { name: "FakeClock", make: () => new FakeClock() },
];
for (const { name, make } of clocks) {
  Deno.test(`${name}.sleep() rejects with the signal's reason when it aborts`, async () => {
    const stop = new AbortController();
    const sleeping = make().sleep(3_600_000, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(sleeping, /^Error: enough$/);
  });

  Deno.test(`${name}.sleep() rejects at once when the signal has aborted before`, async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(make().sleep(0, signal), /^Error: enough$/);
  });
}

for (const ms of [0, -1, 1]) {
  Deno.test(`systemClock.sleep() resolves after ${ms} ms and lets go of the signal`, async () => {
    const stop = new AbortController();
    await systemClock.sleep(ms, stop.signal);
    stop.abort(new Error("too late to matter"));
  });
}

Deno.test("systemClock.sleep() stands a time longer than a timer can carry", async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(2 ** 40, stop.signal)
    .then(() => "woke", () => "stopped");
  // A timer that overflowed fires before one that was set after it.
  await systemClock.sleep(2, new AbortController().signal);
  stop.abort();
  assert.equal(await sleeping, "stopped");
});

Deno.test("systemClock.elapsed() never runs backwards", () => {
  const first = systemClock.elapsed();
  assert(systemClock.elapsed() >= first);
});

Deno.test("FakeClock.advance() wakes sleepers in order, at their own times", async () => {
  const clock = new FakeClock(0);
  const signal = new AbortController().signal;
  const woke: string[] = [];
  const sleep = async (name: string, ms: number) => {
    await clock.sleep(ms, signal);
    woke.push(`${name} at ${clock.now()}`);
  };
  const both = Promise.all([
    sleep("late", 20),
    sleep("early", 10).then(() => sleep("again", 5)),
  ]);
  assert.deepEqual(clock.sleeping, [10, 20]);
  await clock.advance(30);
  await both;
  assert.deepEqual(woke, ["early at 10", "again at 15", "late at 20"]);
  assert.equal(clock.elapsed(), 30);
});

Deno.test("FakeClock.jump() moves wall time and nothing else", () => {
  const clock = new FakeClock(1_000);
  clock.jump(-500);
  assert.deepEqual([clock.now(), clock.elapsed()], [500, 0]);
});

Deno.test("isoTime() is RFC 3339 text in UTC with milliseconds", () => {
  assert.equal(isoTime(1), "1970-01-01T00:00:00.001Z");
});
