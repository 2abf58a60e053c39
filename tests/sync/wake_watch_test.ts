import assert from "node:assert/strict";
import { WakeWatch } from "../../src/sync/wake_watch.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

async function watching(
  story: (clock: FakeClock, woken: number[]) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const woken: number[] = [];
  const stop = new AbortController();
  const running = new WakeWatch({
    onWake(sleptMs) {
      woken.push(sleptMs);
      return Promise.resolve();
    },
    clock,
  }).run(stop.signal);
  await story(clock, woken);
  stop.abort();
  await running;
}

Deno.test("WakeWatch tells for how long the machine has slept, once for each time", () =>
  watching(async (clock, woken) => {
    await clock.advance(10_000);
    clock.jump(3_600_000);
    await clock.advance(3_000);
    assert.deepEqual(woken, [3_600_000]);
    await clock.advance(60_000);
    clock.jump(5_001);
    await clock.advance(3_000);
    assert.deepEqual(woken, [3_600_000, 5_001]);
  }));

Deno.test("WakeWatch minds neither small steps of the clock, nor a clock that is set back, nor a busy process", () =>
  watching(async (clock, woken) => {
    await clock.advance(3_000);
    clock.jump(5_000);
    await clock.advance(3_000);
    clock.jump(-3_600_000);
    await clock.advance(600_000);
    assert.deepEqual(woken, []);
    // What was set back does not hide a sleep that follows.
    clock.jump(6_000);
    await clock.advance(3_000);
    assert.deepEqual(woken, [6_000]);
  }));
