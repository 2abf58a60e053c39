import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  auditGapRecord,
  eventRefusedRecord,
  storeRecoveredRecord,
} from "../../src/agent/audit_records.ts";
import { buildTelemetry } from "../../src/agent/telemetry.ts";
import {
  openIntake,
  type TelemetryIntake,
} from "../../src/agent/telemetry_intake.ts";
import { type Config, SETTINGS } from "../../src/config/settings.ts";
import { runTogether } from "../../src/platform/part.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import type { AuditEntry, LogEntry } from "../../src/wire/bodies.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { type SeenRequest, TestServer, until } from "../uplink/serve.ts";

function configWith(changes: Partial<Config>): Config {
  const defaults = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, one]) => [name, one.defaultValue]),
  );
  return { ...defaults, data_dir: "/tmp", ...changes } as Config;
}

const CONFIG = configWith({
  "registration.hostname": "node-1",
  "metrics.enabled": false,
});

interface Running {
  readonly intake: TelemetryIntake;
  readonly clock: FakeClock;
  readonly local: MemoryLog;
  readonly server: TestServer;
  status(): StatusDocument["telemetry"];
  /** Moves time on until the server has seen so many calls. */
  untilSeen(calls: number): Promise<void>;
  stop(): Promise<void>;
}

/** Sends over a real connection to a server that answers as `answer` says. */
async function whileSending(
  config: Config,
  answer: (request: SeenRequest) => Response,
  work: (running: Running) => Promise<void>,
) {
  await using server = new TestServer(answer);
  const clock = new FakeClock();
  const local = new MemoryLog();
  const io = { clock, random: new FakeRandom(), log: local };
  const intake = openIntake(config, io);
  const client = new ControlClient({
    baseUrl: server.url,
    version: "test",
    clock,
    log: intake.plainIo.log,
  });
  let underWay = 0;
  const post = (name: string) => async (body: unknown, signal: AbortSignal) => {
    underWay++;
    await client
      .postJson(`/v1/nodes/n/${name}`, JSON.stringify(body), signal)
      .finally(() => underWay--);
  };
  const telemetry = buildTelemetry({
    left: new AbortController().signal,
    config,
    identity: {
      controlPlane: "https://example.com",
      nodeId: "n",
      dialect: 1,
    },
    uplink: {
      sendMetrics: post("metrics"),
      sendLogs: post("logs"),
      sendAudit: post("audit"),
    },
    intake,
    kernel: {
      read: (path) => Deno.readTextFile(path),
      openDescriptors: () => undefined,
    },
  });
  const stop = new AbortController();
  const done = runTogether(telemetry.parts, stop.signal);
  try {
    await work({
      intake,
      clock,
      local,
      server,
      status: telemetry.status,
      async untilSeen(calls) {
        while (server.seen.length < calls) {
          await clock.advance(1_000);
          await until("the answers are in", () => underWay === 0);
        }
        await settle();
      },
      stop: () => (stop.abort(), done),
    });
  } finally {
    stop.abort();
    await done;
  }
}

function bodiesOf<Entry>(server: TestServer, name: string): Entry[] {
  return server.seen
    .filter(({ path }) => path.endsWith(`/${name}`))
    // Long ones are compressed.
    .map(({ body }) => body[0] === 0x1f ? gunzipSync(body) : body)
    .flatMap((body) => JSON.parse(new TextDecoder().decode(body)));
}

const SECRET = "c4n4ryc4n4ryc4n4ryc4n4ry=";

Deno.test("warnings, errors and audit records of the agent arrive, without secrets", () =>
  whileSending(CONFIG, () => new Response("{}"), async (running) => {
    const { intake, server, stop, local } = running;
    intake.hide(SECRET);
    intake.io.log.info("News");
    intake.io.log.warn("The server quoted us", { text: `with ${SECRET}` });
    for (let read = 0; read < 12; read++) {
      intake.secretReads?.note({
        key: "db-password",
        listener: "/run/secrets.sock",
        status: 200,
      });
    }
    intake.record(eventRefusedRecord("signature", 3));
    intake.record(storeRecoveredRecord({
      file: "state/data/a.json",
      what: "its checksum is wrong",
      action: "set aside",
    }));
    await stop();
    const logs = bodiesOf<LogEntry>(server, "logs");
    assert.deepEqual(logs.map(({ message, severity }) => [message, severity]), [
      ['The server quoted us text="with [redacted]"', "warning"],
    ]);
    const audit = bodiesOf<AuditEntry>(server, "audit");
    assert.deepEqual(
      audit.map(({ event_type, result }) => [event_type, result]),
      [
        ...Array(10).fill(["secret_read", "success"]),
        ["event_refused", "failure"],
        ["store_recovered", "success"],
        // What was merged comes with the last collection.
        ["secret_read", "success"],
      ],
    );
    assert.deepEqual(audit[0]?.object, {
      type: "secret",
      key: "db-password",
      status: 200,
    });
    assert.match(JSON.stringify(audit.at(-1)?.object), /"count":2\b/);
    assert.ok(!JSON.stringify([logs, audit]).includes("c4n4ry"));
    assert.ok(!JSON.stringify(logs).includes("db-password"));
    const told = local.lines.filter(({ level }) => level !== "debug");
    assert.deepEqual(told.map(({ message }) => message), [
      "News",
      "The server quoted us",
    ]);
    assert.deepEqual(running.status(), {
      metrics: null,
      logs: { sent: 1, dropped: 0, buffered: 0, last_error: null },
      audit: { sent: 13, dropped: 0, buffered: 0, last_error: null },
    });
  }));

Deno.test("a control plane that takes no logs gets no logs about that", () =>
  whileSending(
    CONFIG,
    () => new Response("out of order", { status: 500 }),
    async ({ intake, server, untilSeen, status }) => {
      intake.io.log.error("It broke");
      await untilSeen(4);
      const messages = bodiesOf<LogEntry>(server, "logs");
      assert.ok(messages.every(({ message }) => message === "It broke"));
      assert.equal(status().logs?.buffered, 1);
      assert.match(status().logs?.last_error ?? "", /500/);
    },
  ));

Deno.test("samples of this machine are collected at one interval and sent at another", () =>
  whileSending(
    configWith({ "log_fwd.enabled": false, "audit_fwd.enabled": false }),
    () => new Response(null, { status: 202 }),
    async ({ server, untilSeen, status, clock, intake }) => {
      assert.equal(intake.io.log, intake.plainIo.log);
      intake.record(eventRefusedRecord("signature", 1));
      await untilSeen(1);
      // Not exactly: the call is on its way while time is moved on.
      assert.ok(clock.elapsed() >= 60_000);
      const samples = bodiesOf<{ timestamp: string }>(server, "metrics");
      assert.ok(samples.length >= 1);
      const { logs, audit, metrics } = status();
      assert.deepEqual([logs, audit], [null, null]);
      assert.ok((metrics?.sent ?? 0) <= samples.length);
    },
  ));

Deno.test("what waits to be collected counts as buffered, and as dropped past the limit", () =>
  whileSending(
    { ...CONFIG, "audit_fwd.batch_size": 2 },
    () => new Response("{}"),
    ({ intake, status }) => {
      for (let n = 0; n < 7; n++) {
        intake.record(eventRefusedRecord("stale", n));
      }
      const { audit } = status();
      assert.equal(audit?.buffered, 4);
      assert.equal(audit?.dropped, 3);
      return Promise.resolve();
    },
  ));

Deno.test("what was dropped while nobody took it is told once things get through", () => {
  let isSick = true;
  return whileSending(
    { ...CONFIG, "audit_fwd.batch_size": 2, "log_fwd.batch_size": 2 },
    () => isSick ? new Response("no", { status: 500 }) : new Response("{}"),
    async ({ intake, server, untilSeen, status, stop, local }) => {
      for (let n = 0; n < 9; n++) {
        intake.record(eventRefusedRecord(`reason-${n}`, n));
        intake.io.log.warn("It went wrong", { n });
      }
      await untilSeen(4);
      assert.equal(status().audit?.dropped, 5);
      const gone = server.seen.length;
      isSick = false;
      await untilSeen(gone + 6);
      await stop();
      const audit = bodiesOf<AuditEntry>(server, "audit");
      const gap = auditGapRecord(5);
      assert.deepEqual(audit.at(-1)?.event_type, gap.eventType);
      assert.deepEqual(audit.at(-1)?.object, gap.object);
      assert.equal(
        audit.filter(({ event_type }) => event_type === "audit_gap").length,
        1,
      );
      const gaps = bodiesOf<LogEntry>(server, "logs")
        .map(({ message }) => message)
        .filter((message) => message.startsWith("Telemetry was dropped"));
      assert.deepEqual(
        new Set(gaps),
        new Set([
          "Telemetry was dropped telemetry=audit dropped=5",
          "Telemetry was dropped telemetry=logs dropped=5",
        ]),
      );
      assert.ok(
        local.lines.some(({ message }) => message === "Telemetry not sent"),
      );
    },
  );
});
