import assert from "node:assert/strict";
import { LATEST_MS, VitalSigns } from "../../src/agent/vital_signs.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const never = new AbortController().signal;
const answers = () => Promise.resolve();

/** A loop that gets on when the test says so. */
function loopOn(clock: FakeClock) {
  let [progress, nextMs]: [object, number | undefined] = [{}, clock.elapsed()];
  return {
    name: "reconciler",
    progress: () => progress,
    nextMs: () => nextMs,
    step(waitMs: number | undefined) {
      progress = {};
      nextMs = waitMs === undefined ? undefined : clock.elapsed() + waitMs;
    },
  };
}

function vitalSignsOf(probe: () => Promise<void> = answers) {
  const clock = new FakeClock();
  const loop = loopOn(clock);
  const signs = new VitalSigns({ loops: [loop], probe, clock });
  return { clock, loop, check: () => signs.check(never) };
}

Deno.test("VitalSigns.check() is well while loops get on, however slowly", async () => {
  const { clock, loop, check } = vitalSignsOf();
  for (const waitMs of [0, 60_000, 3_600_000]) {
    loop.step(waitMs);
    assert.equal(await check(), undefined);
    await clock.advance(waitMs + LATEST_MS);
    assert.equal(await check(), undefined);
  }
});

Deno.test("VitalSigns.check() names a loop that is far too late, until it gets on", async () => {
  const { clock, loop, check } = vitalSignsOf();
  loop.step(60_000);
  await check();
  await clock.advance(60_000 + LATEST_MS + 1);
  assert.equal(await check(), "reconciler is 300 s late");
  loop.step(60_000);
  assert.equal(await check(), undefined);
});

Deno.test("VitalSigns.check() lets a loop wait for ever that may", async () => {
  const { clock, loop, check } = vitalSignsOf();
  loop.step(undefined);
  await check();
  await clock.advance(30 * 86_400_000);
  assert.equal(await check(), undefined);
});

Deno.test("VitalSigns.check() takes no jump of wall time for lateness", async () => {
  const { clock, loop, check } = vitalSignsOf();
  loop.step(60_000);
  clock.jump(-86_400_000);
  assert.equal(await check(), undefined);
  clock.jump(2 * 86_400_000);
  await clock.advance(60_000 + LATEST_MS + 1);
  assert.match(await check() ?? "", /late/);
});

Deno.test("VitalSigns.check() is not well when the local API does not answer", async () => {
  const { check } = vitalSignsOf(() => Promise.reject(new Error("refused")));
  assert.equal(await check(), "the local API does not answer: refused");
});
