import assert from "node:assert/strict";
import { eventRefusedRecord } from "../../src/agent/audit_records.ts";
import { buildTelemetry } from "../../src/agent/telemetry.ts";
import { openIntake } from "../../src/agent/telemetry_intake.ts";
import { type Config, SETTINGS } from "../../src/config/settings.ts";
import { runTogether } from "../../src/platform/part.ts";
import { Heartbeat } from "../../src/sync/heartbeat.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import type { AuditEntry, LogEntry } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { MemoryState } from "../sync/memory_state.ts";

const DEFAULTS = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, one]) => [name, one.defaultValue]),
) as Config;

const CONFIG: Config = {
  ...DEFAULTS,
  data_dir: "/tmp",
  "registration.hostname": "node-1",
};

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** How a control plane is not there, hour by hour. */
const AILMENTS: readonly ControlFailure[] = [
  "unreachable",
  "timeout",
  "server",
  "unauthorized",
  "bad_answer",
];

Deno.test("a day without a control plane: what is kept is bounded, calls are few, and what led to it arrives", async () => {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const local = new MemoryLog();
  const intake = openIntake(CONFIG, { clock, random, log: local });
  const { io } = intake;

  let minute = 0;
  let calls = 0;
  const answer = <Items extends readonly unknown[]>(taken?: unknown[]) =>
  (
    items?: Items,
  ) => {
    calls++;
    if (minute < DAY_MINUTES) {
      const kind = AILMENTS[Math.floor(minute / 60) % AILMENTS.length]!;
      return Promise.reject(new ControlError(kind, `It is ${kind}`));
    }
    taken?.push(...items ?? []);
    return Promise.resolve();
  };
  const logs: LogEntry[] = [];
  const audit: AuditEntry[] = [];
  const telemetry = buildTelemetry({
    config: CONFIG,
    identity: { controlPlane: "https://a.example", nodeId: "n", dialect: 1 },
    uplink: {
      sendMetrics: answer(),
      sendLogs: answer(logs),
      sendAudit: answer(audit),
    },
    intake,
    left: new AbortController().signal,
    kernel: {
      read: () => Promise.resolve("MemTotal: 9 kB\nMemAvailable: 4 kB\n"),
      openDescriptors: () => undefined,
    },
  });
  const heartbeat = new Heartbeat({
    uplink: {
      heartbeat: () =>
        answer()().then(() => ({ reconcile: false, rotateKeys: false })),
    },
    isDegraded: () => true,
    binarySha256: () => Promise.resolve("00ff"),
    startedMs: 0,
    onReconcile() {},
    onRotateKeys() {},
    io,
  });
  const reconciler = new Reconciler({
    uplink: {
      fetchState: () => answer()().then(() => Promise.reject(new Error("off"))),
      reportDrift: () => Promise.resolve(),
    },
    state: new MemoryState(),
    keys: { present: { current: "k" }, take: () => Promise.resolve(false) },
    nodeId: "n",
    io,
  });
  const stop = new AbortController();
  const done = runTogether(
    [...telemetry.parts, heartbeat, reconciler],
    stop.signal,
  );

  io.log.warn("What led to it", { disk: "sda" });
  let recorded = 0;
  for (; minute < DAY_MINUTES; minute++) {
    for (let n = 0; n < 3; n++) {
      intake.record(eventRefusedRecord("signature", ++recorded));
    }
    await clock.advance(MINUTE_MS);
    const { metrics, logs, audit } = telemetry.status();
    assert.ok((metrics?.buffered ?? 999) <= 200, "twice 100");
    assert.ok((logs?.buffered ?? 999) <= 400, "twice 200");
    assert.ok((audit?.buffered ?? 9_999) <= 1_000, "twice 500");
    assert.ok(intake.recent.lines([]).length <= 300);
    assert.ok(clock.sleeping.length <= 8, "no timers are left behind");
  }
  const inOutage = calls;
  // 2,880 heartbeats, 1,440 pulls, and three senders every five minutes.
  assert.ok(inOutage < 2_881 + 1_441 + 3 * 340, `${inOutage} calls`);
  const { audit: kept, logs: keptLogs } = telemetry.status();
  assert.equal(kept?.buffered, 1_000);
  assert.equal(kept?.dropped, recorded - 1_000);
  assert.equal(keptLogs?.dropped, 0, "what is said again leaves room");
  assert.ok(local.lines.length > 1_000, "it was said all day");
  const told = local.lines.filter(({ level }) => level !== "debug");
  // About a dozen for each hour's ailment, which is news when it comes back.
  assert.ok(told.length < 400, `${told.length} lines in the log`);

  await clock.advance(30 * MINUTE_MS);
  assert.ok(logs.some(({ message }) => message === "What led to it disk=sda"));
  const gap = `Telemetry was dropped telemetry=audit dropped=${kept?.dropped}`;
  assert.ok(logs.some(({ message }) => message === gap));
  const gaps = audit.filter(({ event_type }) => event_type === "audit_gap");
  assert.equal(gaps.length, 1);
  assert.equal(audit.length, 1_000 + gaps.length, "each of them once");
  assert.equal(telemetry.status().metrics?.last_error, null);
  stop.abort();
  await done;
  assert.deepEqual(clock.sleeping, []);
});
