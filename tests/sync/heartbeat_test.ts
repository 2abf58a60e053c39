import assert from "node:assert/strict";
import { Heartbeat, type HeartbeatStatus } from "../../src/sync/heartbeat.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { Beat, BeatHints } from "../../src/uplink/node_uplink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const NAT = { publicEndpoint: "192.0.2.1:51820", natType: "none" } as const;

async function whileBeating(
  work: (running: {
    readonly clock: FakeClock;
    readonly log: MemoryLog;
    readonly bodies: Beat[];
    /** What the next heartbeats are answered; then an answer without hints. */
    readonly answers: (BeatHints | Error)[];
    readonly heard: string[];
    /** What is wrong with the node. */
    readonly reasons: string[];
    /** Sends one at once. */
    readonly now: () => void;
    /** What the heartbeats say of themselves. */
    readonly status: () => HeartbeatStatus;
  }) => Promise<void>,
  random = new FakeRandom(),
) {
  const clock = new FakeClock();
  // The agent runs for a while already.
  await clock.advance(4_000);
  const log = new MemoryLog();
  const bodies: Beat[] = [];
  const answers: (BeatHints | Error)[] = [];
  const heard: string[] = [];
  const reasons: string[] = [];
  const heartbeat = new Heartbeat({
    uplink: {
      heartbeat(body) {
        bodies.push(body);
        const answer = answers.shift();
        return answer instanceof Error
          ? Promise.reject(answer)
          : Promise.resolve(answer ?? { reconcile: false, rotateKeys: false });
      },
    },
    isDegraded: () => reasons.length > 0,
    binarySha256: () => Promise.resolve("00ff"),
    nat: NAT,
    onReconcile: () => heard.push("reconcile"),
    onRotateKeys: () => heard.push("rotate"),
    onAnswer: (failure) =>
      heard.push(failure instanceof ControlError ? failure.kind : "fine"),
    startedMs: 1_000,
    io: { clock, random, log },
  });
  const stop = new AbortController();
  const done = heartbeat.run(stop.signal);
  try {
    await clock.advance(0);
    await work({
      clock,
      log,
      bodies,
      answers,
      heard,
      reasons,
      now: () => heartbeat.now(),
      status: () => heartbeat.status,
    });
  } finally {
    stop.abort();
    await done;
  }
  assert.deepEqual(clock.sleeping, []);
}

Deno.test("the agent's health goes along where it is asked for", async () => {
  const health = { status: "degraded" as const, reasons: [] };
  const beats: Beat[] = [];
  const clock = new FakeClock();
  const stop = new AbortController();
  const done = new Heartbeat({
    uplink: {
      heartbeat(beat) {
        beats.push(beat);
        return Promise.resolve({ reconcile: false, rotateKeys: false });
      },
    },
    isDegraded: () => false,
    health: () => health,
    binarySha256: () => Promise.resolve("00ff"),
    onReconcile() {},
    onRotateKeys() {},
    startedMs: 0,
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  }).run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await done;
  assert.deepEqual(beats.map(({ agent }) => agent), [health]);
});

Deno.test("heartbeats are sent at the start and every 30 s, with real content", () =>
  whileBeating(async ({ clock, bodies }) => {
    assert.equal(bodies.length, 1);
    await clock.advance(29_999);
    assert.equal(bodies.length, 1);
    await clock.advance(1);
    assert.deepEqual(bodies[1], {
      timestamp: "2026-03-01T12:00:34.000Z",
      status: "healthy",
      uptimeMs: 33_000,
      binarySha256: "00ff",
      nat: NAT,
    });
  }));

Deno.test("a heartbeat says whether anything is wrong, as it is when it leaves", () =>
  whileBeating(async ({ clock, bodies, reasons }) => {
    reasons.push("disk_full");
    await clock.advance(30_000);
    assert.equal(bodies[1]?.status, "degraded");
    reasons.length = 0;
    await clock.advance(30_000);
    assert.equal(bodies[2]?.status, "healthy");
  }));

Deno.test("a heartbeat's hint asks for a pull", () =>
  whileBeating(async ({ clock, answers, heard }) => {
    answers.push({ reconcile: true, rotateKeys: false });
    await clock.advance(30_000);
    assert.deepEqual(heard, ["fine", "fine", "reconcile"]);
  }));

Deno.test("a heartbeat's hint asks for a new node key", () =>
  whileBeating(async ({ clock, answers, heard }) => {
    answers.push({ reconcile: false, rotateKeys: true });
    await clock.advance(30_000);
    assert.deepEqual(heard, ["fine", "fine", "rotate"]);
  }));

for (const [unit, intervalMs] of [[0, 27_000], [0.999, 32_994]] as const) {
  Deno.test(`heartbeats of nodes that started together part: ${intervalMs} ms at chance ${unit}`, () =>
    whileBeating(async ({ clock, bodies, status }) => {
      assert.equal(status().nextMs, clock.elapsed() + intervalMs);
      await clock.advance(intervalMs - 1);
      assert.equal(bodies.length, 1);
      await clock.advance(1);
      assert.equal(bodies.length, 2);
    }, new FakeRandom(unit)));
}

for (
  const [kind, status] of [
    ["unauthorized", 401],
    ["forbidden", 403],
    ["not_found", 404],
    ["too_large", 413],
    ["rate_limited", 429],
    ["server", 500],
    ["server", 501],
    ["unreachable", undefined],
  ] as const
) {
  Deno.test(`a heartbeat that fails with ${status ?? kind} is told, and the next one comes in time`, () =>
    whileBeating(async ({ clock, answers, heard, log, bodies }) => {
      const details = status === undefined ? {} : { status };
      answers.push(new ControlError(kind, `It was ${kind}`, details));
      await clock.advance(30_000);
      assert.deepEqual(heard, ["fine", kind]);
      assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
      await clock.advance(30_000);
      assert.equal(bodies.length, 3);
      assert.equal(heard[2], "fine");
    }));
}

Deno.test("heartbeats that fail one after the other warn once for each cause", () =>
  whileBeating(async ({ clock, answers, log }) => {
    const away = new ControlError("unreachable", "No answer");
    const sick = new ControlError("server", "Status 500", { status: 500 });
    answers.push(away, away, away, sick, sick);
    await clock.advance(180_000);
    answers.push(sick);
    await clock.advance(30_000);
    const told = log.lines.map(({ level, fields }) => [level, fields["error"]]);
    assert.deepEqual(told.filter(([level]) => level === "warn"), [
      ["warn", "No answer"],
      ["warn", "Status 500"],
      // It went well in between.
      ["warn", "Status 500"],
    ]);
    assert.equal(told.length, 6);
  }));

// Half an interval goes on top, so that nobody comes with all the others.
for (const [askedMs, waitMs] of [[60_000, 75_000], [3_600_000, 300_000]]) {
  Deno.test(`a control plane that asks for ${askedMs} ms of peace has ${waitMs} ms`, () =>
    whileBeating(async ({ clock, answers, bodies, status }) => {
      const retryAfterMs = askedMs!;
      answers.push(
        new ControlError("rate_limited", "Slower", {
          status: 429,
          retryAfterMs,
        }),
      );
      await clock.advance(30_000);
      assert.equal(bodies.length, 2);
      assert.equal(status().nextMs, clock.elapsed() + waitMs!);
      await clock.advance(waitMs! - 1);
      assert.equal(bodies.length, 2);
      await clock.advance(1);
      assert.equal(bodies.length, 3);
    }));
}

Deno.test("a heartbeat that asks for less peace than there is changes nothing", () =>
  whileBeating(async ({ clock, answers, bodies }) => {
    answers.push(
      new ControlError("server", "Soon", { status: 503, retryAfterMs: 1_000 }),
    );
    await clock.advance(60_000);
    assert.equal(bodies.length, 3);
  }));

Deno.test("a heartbeat that takes longer than its interval is not overtaken by the next", async () => {
  const clock = new FakeClock();
  let underWay = 0;
  let most = 0;
  let calls = 0;
  const stop = new AbortController();
  const done = new Heartbeat({
    uplink: {
      async heartbeat(_beat, signal) {
        calls++;
        most = Math.max(most, ++underWay);
        await clock.sleep(40_000, signal).finally(() => underWay--);
        return { reconcile: false, rotateKeys: false };
      },
    },
    isDegraded: () => false,
    binarySha256: () => Promise.resolve(""),
    onReconcile() {},
    onRotateKeys() {},
    startedMs: 0,
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  }).run(stop.signal);
  await clock.advance(400_000);
  assert.equal(most, 1);
  assert.equal(calls, 11);
  stop.abort();
  await done;
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("Heartbeat refuses an interval under a second", () => {
  const io = {
    clock: new FakeClock(),
    random: new FakeRandom(),
    log: new MemoryLog(),
  };
  assert.throws(
    () =>
      new Heartbeat({
        uplink: { heartbeat: () => Promise.reject(new Error("not called")) },
        intervalMs: 0,
        isDegraded: () => false,
        binarySha256: () => Promise.resolve(""),
        onReconcile() {},
        onRotateKeys() {},
        startedMs: 0,
        io,
      }),
    RangeError,
  );
});

Deno.test("a heartbeat that is wanted at once starts the interval anew", () =>
  whileBeating(async ({ clock, bodies, now }) => {
    await clock.advance(20_000);
    now();
    await clock.advance(0);
    assert.equal(bodies.length, 2);
    await clock.advance(29_999);
    assert.equal(bodies.length, 2);
    await clock.advance(1);
    assert.equal(bodies.length, 3);
  }));

Deno.test("a heartbeat that is wanted while another hangs follows it at once", async () => {
  const clock = new FakeClock();
  const answers: PromiseWithResolvers<BeatHints>[] = [];
  const heartbeat = new Heartbeat({
    uplink: {
      heartbeat() {
        const answer = Promise.withResolvers<BeatHints>();
        answers.push(answer);
        return answer.promise;
      },
    },
    isDegraded: () => false,
    binarySha256: () => Promise.resolve("00ff"),
    onReconcile() {},
    onRotateKeys() {},
    startedMs: 0,
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  });
  const stop = new AbortController();
  const done = heartbeat.run(stop.signal);
  await clock.advance(1_000);
  // The machine has slept, and the connection has not.
  heartbeat.now();
  answers[0]!.reject(new ControlError("timeout", "No answer"));
  await clock.advance(0);
  assert.equal(answers.length, 2);
  answers[1]!.resolve({ reconcile: false, rotateKeys: false });
  await clock.advance(26_000);
  assert.equal(answers.length, 2, "once");
  stop.abort();
  await done;
});
