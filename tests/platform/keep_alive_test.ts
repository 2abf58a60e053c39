import assert from "node:assert/strict";
import { KeepAlive } from "../../src/platform/keep_alive.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

Deno.test("KeepAlive calls each in its own interval, with one timer for all", async () => {
  const clock = new FakeClock();
  const keepAlive = new KeepAlive(clock, 100);
  const beats: string[] = [];
  const one = { beat: () => beats.push(`one ${clock.elapsed()}`) };
  const two = { beat: () => beats.push(`two ${clock.elapsed()}`) };
  keepAlive.add(one);
  await clock.advance(30);
  keepAlive.add(two);
  await clock.advance(200);
  assert.deepEqual(beats, ["one 100", "two 130", "one 200", "two 230"]);
  assert.deepEqual(clock.sleeping, [70]);
  keepAlive.remove(one);
  keepAlive.remove(two);
  await clock.advance(0);
  assert.deepEqual(clock.sleeping, [], "nothing runs for nobody");
});

Deno.test("KeepAlive goes on when those it calls leave, and others come", async () => {
  const clock = new FakeClock();
  const keepAlive = new KeepAlive(clock, 100);
  const beats: number[] = [];
  const leaving = { beat: () => keepAlive.remove(leaving) };
  keepAlive.add(leaving);
  await clock.advance(100);
  const staying = {
    beat: () => {
      beats.push(clock.elapsed());
    },
  };
  keepAlive.add(staying);
  await clock.advance(250);
  assert.deepEqual(beats, [200, 300]);
  keepAlive.remove(staying);
});
