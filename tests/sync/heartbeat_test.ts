import assert from "node:assert/strict";
import { Heartbeat } from "../../src/sync/heartbeat.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { Beat, BeatHints } from "../../src/uplink/node_uplink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

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
  }) => Promise<void>,
) {
  const clock = new FakeClock();
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
    reasons: () => reasons,
    binarySha256: () => Promise.resolve("00ff"),
    publicEndpoint: "192.0.2.1:51820",
    onReconcile: () => heard.push("reconcile"),
    onRotateKeys: () => heard.push("rotate"),
    onAnswer: (failure) =>
      heard.push(failure instanceof ControlError ? failure.kind : "fine"),
    io: { clock, random: new FakeRandom(), log },
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
    reasons: () => [],
    health: () => health,
    binarySha256: () => Promise.resolve("00ff"),
    onReconcile() {},
    onRotateKeys() {},
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
      timestamp: "2026-03-01T12:00:30.000Z",
      status: "healthy",
      uptimeMs: 30_000,
      binarySha256: "00ff",
      reasons: [],
      publicEndpoint: "192.0.2.1:51820",
    });
  }));

Deno.test("a heartbeat names what is wrong, as it is when it leaves", () =>
  whileBeating(async ({ clock, bodies, reasons }) => {
    reasons.push("disk_full");
    await clock.advance(30_000);
    assert.equal(bodies[1]?.status, "degraded");
    assert.deepEqual(bodies[1]?.reasons, ["disk_full"]);
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

Deno.test("a heartbeat that fails is told and logged, and the next one comes in time", () =>
  whileBeating(async ({ clock, answers, heard, log, bodies }) => {
    answers.push(new ControlError("unauthorized", "Status 401"));
    await clock.advance(30_000);
    assert.deepEqual(heard, ["fine", "unauthorized"]);
    assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
    await clock.advance(30_000);
    assert.equal(bodies.length, 3);
    assert.equal(heard[2], "fine");
  }));

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
        reasons: () => [],
        binarySha256: () => Promise.resolve(""),
        onReconcile() {},
        onRotateKeys() {},
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
