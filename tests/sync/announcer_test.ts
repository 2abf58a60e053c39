import assert from "node:assert/strict";
import { Announcer } from "../../src/sync/announcer.ts";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

interface Running {
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly sent: string[];
  readonly failures: Error[];
  /** Changes what holds, until it has been looked at. */
  say(content: string | undefined): Promise<void>;
}

const LOOK_EVERY_MS = 600_000;

async function whileAnnouncing(
  first: string | undefined,
  work: (running: Running) => Promise<void>,
  failures: Error[] = [],
) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const sent: string[] = [];
  let content = first;
  const announcer = new Announcer<string>({
    name: "capabilities",
    content: () => Promise.resolve(content),
    send(text) {
      sent.push(text);
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
    lookEveryMs: LOOK_EVERY_MS,
    io: { clock, random: new FakeRandom(), log },
  });
  const stop = new AbortController();
  const done = announcer.run(stop.signal);
  try {
    await settle();
    await work({
      clock,
      log,
      sent,
      failures,
      async say(next) {
        content = next;
        await clock.advance(LOOK_EVERY_MS);
      },
    });
  } finally {
    stop.abort();
    await done;
  }
  assert.deepEqual(clock.sleeping, []);
}

function failure(kind: ControlFailure, status?: number) {
  return new ControlError(kind, kind, status === undefined ? {} : { status });
}

Deno.test("Announcer tells once at the start, and again only what is new", () =>
  whileAnnouncing("a", async ({ clock, sent, say }) => {
    await clock.advance(3_600_000);
    assert.deepEqual(sent, ["a"]);
    await say("a");
    assert.deepEqual(sent, ["a"]);
    await say("b");
    assert.deepEqual(sent, ["a", "b"]);
    await say("a");
    assert.deepEqual(sent, ["a", "b", "a"]);
  }));

Deno.test("Announcer looks once, and waits for the stop, where nothing can change", async () => {
  const clock = new FakeClock();
  let looks = 0;
  const stop = new AbortController();
  const done = new Announcer<string>({
    name: "endpoint",
    content: () => (looks++, Promise.resolve("a")),
    send: () => Promise.resolve(),
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  }).run(stop.signal);
  await clock.advance(86_400_000);
  assert.equal(looks, 1);
  assert.deepEqual(clock.sleeping, []);
  stop.abort();
  await done;
});

Deno.test("Announcer says nothing while there is nothing to say", () =>
  whileAnnouncing(undefined, async ({ sent, say }) => {
    assert.deepEqual(sent, []);
    await say("a");
    assert.deepEqual(sent, ["a"]);
  }));

const passing = [
  failure("unreachable"),
  failure("server", 503),
  failure("unauthorized", 401),
  failure("rate_limited", 429),
  // Dialect 2: somebody may provision it, or set the clock.
  failure("server", 501),
  new ControlError("bad_request", "no", {
    status: 400,
    code: "endpoint_clock_skew",
  }),
];
for (const error of passing) {
  Deno.test(`Announcer tries again after ${error.status ?? error.kind}, until it is taken`, () =>
    whileAnnouncing("a", async ({ clock, sent, log }) => {
      await clock.advance(4_999);
      assert.deepEqual(sent, ["a"]);
      await clock.advance(1);
      await clock.advance(3_600_000);
      assert.deepEqual(sent, ["a", "a"]);
      assert.equal(log.lines[0]?.level, "warn");
    }, [error]));
}

const refusals = [
  failure("bad_request", 400),
  failure("not_found", 404),
  failure("too_large", 413),
  failure("unexpected_status", 422),
  failure("unsupported"),
];
for (const error of refusals) {
  Deno.test(`Announcer leaves alone what is refused with ${error.status ?? error.kind}, until it changes`, () =>
    whileAnnouncing("a", async ({ clock, sent, log, say }) => {
      await clock.advance(3_600_000);
      await say("a");
      assert.deepEqual(sent, ["a"]);
      assert.equal(log.lines.length, 1);
      await say("b");
      assert.deepEqual(sent, ["a", "b"]);
    }, [error]));
}

Deno.test("Announcer warns once in a row of failures, and honours Retry-After", () =>
  whileAnnouncing("a", async ({ clock, sent, log }) => {
    await clock.advance(64_999);
    assert.equal(sent.length, 1);
    await clock.advance(1);
    assert.equal(sent.length, 2);
    await clock.advance(3_600_000);
    assert.equal(sent.length, 4);
    const warned = log.lines.filter(({ level }) => level === "warn");
    assert.equal(warned.length, 1);
  }, [
    new ControlError("server", "later", { status: 503, retryAfterMs: 60_000 }),
    failure("unreachable"),
    failure("unreachable"),
  ]));

Deno.test("Announcer sends what is new after a wait, not what failed", () =>
  whileAnnouncing("a", async ({ sent, say }) => {
    await say("b");
    assert.deepEqual(sent, ["a", "b"]);
  }, [failure("unreachable")]));

Deno.test("Announcer gives up at once what is under way at the stop", async () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const stop = new AbortController();
  const done = new Announcer<string>({
    name: "endpoint",
    content: () => Promise.resolve("a"),
    send: (_content, signal) => clock.sleep(30_000, signal),
    io: { clock, random: new FakeRandom(), log },
  }).run(stop.signal);
  await settle();
  assert.deepEqual(clock.sleeping, [30_000]);
  stop.abort();
  await done;
  assert.deepEqual(log.lines, []);
});
