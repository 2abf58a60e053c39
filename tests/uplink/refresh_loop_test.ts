import assert from "node:assert/strict";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { credentials, Refreshing } from "./refreshing.ts";

const never = new AbortController().signal;
const MINUTE = 60_000;
const unreachable = () => new ControlError("unreachable", "gone");
const status = (code: number, kind: ControlError["kind"]) =>
  new ControlError(kind, `answered ${code}`, { status: code });

Deno.test("RefreshLoop asks at once, stores and hides what it gets, and renews it 30 s before its end", async () => {
  await using at = new Refreshing().start();
  await at.clock.advance(0);
  const first = at.loop.current();
  assert.ok(first);
  assert.equal(at.store.carrier, first);
  assert.deepEqual(at.hidden, [first.user_seed, first.user_jwt]);
  await at.clock.advance(60 * MINUTE - 30_001);
  assert.equal(at.loop.current(), first);
  await at.clock.advance(1);
  assert.deepEqual(at.asked, [0, 60 * MINUTE - 30_000]);
  assert.notEqual(at.loop.current(), first);
  assert.deepEqual(at.news.map(({ type }) => type), ["refreshed", "refreshed"]);
});

Deno.test("RefreshLoop renews a life below a minute at its half", async () => {
  await using at = new Refreshing();
  at.lifeMs = 40_000;
  at.start();
  await at.clock.advance(60_000);
  assert.deepEqual(at.asked, [0, 20_000, 40_000, 60_000]);
});

Deno.test("RefreshLoop begins with the credentials of an earlier run, and asks only when they are due", async () => {
  const clock = new FakeClock();
  const kept = credentials(clock.now() - 10 * MINUTE, 60 * MINUTE);
  await using at = new Refreshing(kept, clock).start();
  await clock.advance(0);
  assert.equal(at.loop.current(), kept);
  assert.deepEqual(at.hidden, [kept.user_seed, kept.user_jwt]);
  assert.equal(at.loop.status.lastRefreshMs, clock.now() - 10 * MINUTE);
  assert.deepEqual(at.asked, []);
  await clock.advance(50 * MINUTE - 30_000);
  assert.equal(at.asked.length, 1);
});

for (
  const [what, issuedAgoMs] of [["are over", 61 * MINUTE], [
    "come from the future",
    -1,
  ]] as const
) {
  Deno.test(`RefreshLoop uses no stored credentials that ${what}`, async () => {
    const clock = new FakeClock();
    const kept = credentials(clock.now() - issuedAgoMs, 60 * MINUTE);
    await using at = new Refreshing(kept, clock);
    assert.equal(at.loop.current(), undefined);
    at.start();
    await clock.advance(0);
    assert.equal(at.asked.length, 1);
    assert.ok(at.loop.current());
  });
}

Deno.test("RefreshLoop tries again after 1 s to 24 s and a quarter, and never gives what has expired", async () => {
  await using at = new Refreshing();
  at.lifeMs = 60_000;
  at.start();
  await at.clock.advance(0);
  at.failure = unreachable();
  await at.clock.advance(59_999);
  assert.ok(at.loop.current());
  await at.clock.advance(1);
  assert.equal(at.loop.current(), undefined);
  const first = 30_000;
  assert.deepEqual(
    at.asked.slice(1),
    [0, 1_000, 3_000, 7_000, 15_000].map((ms) => first + ms),
  );
  await at.clock.advance(10 * MINUTE);
  const gaps = at.asked.map((ms, n) => ms - (at.asked[n - 1] ?? 0));
  assert.equal(Math.max(...gaps.slice(2)), 24_000);
  assert.match(at.loop.status.lastError ?? "", /gone/);
  at.failure = undefined;
  await at.clock.advance(24_000);
  assert.ok(at.loop.current());
  assert.equal(at.loop.status.lastError, undefined);
});

for (const [code, kind] of [[501, "server"], [404, "not_found"]] as const) {
  Deno.test(`RefreshLoop takes ${code} for a control plane without a bus, and looks again after 10 min`, async () => {
    await using at = new Refreshing();
    at.failure = status(code, kind);
    at.start();
    await at.clock.advance(10 * MINUTE - 1);
    assert.equal(at.loop.status.state, "no_bus");
    // A loop before this one may have been unauthorized.
    assert.deepEqual(at.news, [{ type: "authorized" }]);
    assert.deepEqual(at.asked, [0]);
    assert.equal(await at.loop.refreshNowIfDue(never), false);
    at.loop.woke();
    await settle();
    assert.deepEqual(at.asked, [0]);
    at.failure = undefined;
    await at.clock.advance(1);
    assert.ok(at.loop.current());
    assert.deepEqual(at.log.lines.filter(({ level }) => level === "warn"), []);
  });
}

Deno.test("RefreshLoop tells a 401 once for each episode, goes on slowly, and begins anew with other credentials", async () => {
  await using at = new Refreshing();
  at.failure = status(401, "unauthorized");
  at.start();
  await at.clock.advance(21 * MINUTE);
  assert.equal(at.asked.length, 3);
  assert.deepEqual(at.news.map(({ type }) => type), ["unauthorized"]);
  // That nobody answers meanwhile does not end the episode.
  at.failure = unreachable();
  await at.clock.advance(10 * MINUTE);
  assert.equal(at.loop.status.state, "unauthorized");
  at.failure = status(401, "unauthorized");
  await at.clock.advance(MINUTE);
  assert.deepEqual(at.news.map(({ type }) => type), ["unauthorized"]);
  at.failure = undefined;
  at.loop.renewed();
  await at.clock.advance(1_000);
  assert.deepEqual(at.news.map(({ type }) => type), [
    "unauthorized",
    "authorized",
    "refreshed",
  ]);
  at.failure = status(401, "unauthorized");
  await at.clock.advance(60 * MINUTE);
  assert.equal(at.news.filter(({ type }) => type === "unauthorized").length, 2);
});

Deno.test("refreshNowIfDue() shares one request among all callers", async () => {
  await using at = new Refreshing();
  at.lifeMs = 100_000;
  at.start();
  await at.clock.advance(2_000);
  assert.equal(await at.loop.refreshNowIfDue(never), false);
  const answer = Promise.withResolvers<ReturnType<typeof credentials>>();
  at.answer = () => answer.promise;
  // The machine has slept: no timer knows of it yet.
  at.clock.jump(80_000);
  const left = new AbortController();
  const calls = [1, 2, 3].map(() => at.loop.refreshNowIfDue(never));
  const impatient = at.loop.refreshNowIfDue(left.signal);
  left.abort(new Error("left"));
  await assert.rejects(impatient, /left/);
  await at.clock.advance(1_000);
  answer.resolve(credentials(at.clock.now(), 100_000));
  assert.deepEqual(await Promise.all(calls), [true, true, true]);
  assert.equal(at.asked.length, 2);
});

Deno.test("refreshNowIfDue() asks nobody while the wait after a failure lasts, but for a wake", async () => {
  await using at = new Refreshing();
  at.failure = unreachable();
  at.start();
  await at.clock.advance(17_000);
  const before = at.asked.length;
  assert.equal(await at.loop.refreshNowIfDue(never), false);
  assert.equal(at.asked.length, before);
  at.failure = undefined;
  at.loop.woke();
  assert.equal(await at.loop.refreshNowIfDue(never), true);
  assert.ok(at.loop.current());
});

Deno.test("RefreshLoop notices a wall clock that has jumped ahead, and survives one set back", async () => {
  await using at = new Refreshing().start();
  await at.clock.advance(0);
  const first = at.loop.current();
  at.clock.jump(60 * MINUTE);
  assert.equal(at.loop.current(), undefined);
  await at.clock.advance(5_000);
  const second = at.loop.current();
  assert.ok(second && second !== first);
  at.clock.jump(-600 * MINUTE);
  assert.equal(at.loop.current(), second);
  await at.clock.advance(59.5 * MINUTE);
  assert.equal(at.asked.length, 3);
});

Deno.test("RefreshLoop does not mind a clock that differs from the control plane's", async () => {
  await using at = new Refreshing();
  at.answer = () =>
    Promise.resolve(credentials(at.clock.now() - 86_400_000, 60 * MINUTE));
  at.start();
  await at.clock.advance(59 * MINUTE);
  assert.ok(at.loop.current());
  assert.equal(at.asked.length, 1);
});

Deno.test("RefreshLoop renews credentials that the bus refuses, though they live", async () => {
  await using at = new Refreshing().start();
  await at.clock.advance(2_000);
  const first = at.loop.current();
  assert.ok(first);
  at.loop.rejected(credentials(0, 1));
  await at.clock.advance(2_000);
  assert.equal(at.asked.length, 1);
  at.loop.rejected(first);
  await at.clock.advance(1_000);
  assert.equal(at.asked.length, 2);
});

Deno.test("RefreshLoop refuses credentials that never lived, and asks for others no faster than it may", async () => {
  await using at = new Refreshing();
  at.lifeMs = 0;
  at.start();
  await at.clock.advance(31_000);
  assert.equal(at.loop.current(), undefined);
  assert.deepEqual(at.asked, [0, 1_000, 3_000, 7_000, 15_000, 31_000]);
});

Deno.test("RefreshLoop works with credentials that cannot be stored", async () => {
  await using at = new Refreshing();
  at.store.saveCarrier = () => Promise.reject(new Error("disk full"));
  at.start();
  await at.clock.advance(0);
  assert.ok(at.loop.current());
  assert.match(at.log.text, /Carrier credentials not stored.*disk full/);
});
