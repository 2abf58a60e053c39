import assert from "node:assert/strict";
import { AgentState, noteDiagnostics } from "../../src/store/agent_state.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "./open_store.ts";

const RECORD = {
  reasons: [{
    reason: "disk_full",
    since: "2026-03-01T12:00:00.000Z",
    detail: "No space",
  }],
  resources: {
    at: "2026-03-01T12:00:00.000Z",
    disk: { freeBytes: 1, totalBytes: 2 },
    memory: { somePercent: 0.5, fullPercent: 0 },
    descriptors: { open: 20, limit: 1024 },
  },
  safeUntil: "2026-03-02T12:00:00.000Z",
  nodeId: "node-1",
  contact: { lastHeartbeatMs: 1, lastPullMs: 2, lastEventMs: 3 },
};

Deno.test("HealthStore gives back what was stored, and begins anew when it is damaged", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    assert.deepEqual(first.store.health.record, { reasons: [], contact: {} });
    await first.store.health.save(RECORD);
    await first.store.close();

    const second = await openStore(dataDir);
    assert.deepEqual(second.store.health.record, RECORD);
    await second.store.close();

    const file = `${second.store.paths.health}/health.json`;
    Deno.writeTextFileSync(file, Deno.readTextFileSync(file).slice(0, -2));
    const third = await openStore(dataDir);
    assert.deepEqual(third.store.health.record.reasons, []);
    assert.deepEqual(third.recovered.map((one) => one.file), [
      "health/health.json",
    ]);
    await third.store.close();
  }));

Deno.test("HealthStore is bounded, whatever it is told", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    const reason = { ...RECORD.reasons[0]!, detail: "x".repeat(100_000) };
    await store.health.save({ ...RECORD, reasons: Array(1_000).fill(reason) });
    const { size } = Deno.statSync(`${store.paths.health}/health.json`);
    assert.ok(size < 64 * 1024, `${size}`);
    await store.close();
  }));

Deno.test("every recovery is remembered with its time, the newest 256 of them", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    assert.deepEqual(first.store.recoveries.recoveries, []);
    await first.store.close();
    const data = `${first.store.paths.state}/data`;
    for (let at = 0; at < 300; at++) {
      Deno.writeTextFileSync(`${data}/torn-${at}.json`, "{");
    }
    const second = await openStore(dataDir);
    assert.equal(second.recovered.length, 300);
    await second.store.close();

    const third = await openStore(dataDir);
    assert.deepEqual(third.recovered, []);
    const { recoveries } = third.store.recoveries;
    assert.equal(recoveries.length, 256);
    assert.deepEqual(
      recoveries,
      second.recovered.slice(-256)
        .map((one) => ({ at: "2026-03-01T12:00:00.000Z", ...one })),
    );
    await third.store.close();

    const file = `${third.store.paths.health}/recoveries.json`;
    Deno.writeTextFileSync(file, "{}");
    const fourth = await openStore(dataDir);
    assert.deepEqual(
      fourth.store.recoveries.recoveries.map((one) => one.file),
      ["health/recoveries.json"],
    );
    await fourth.store.close();
  }));

Deno.test("AgentState keeps one install id, and tells how the run before ended", () =>
  inFolder((dataDir) => {
    const log = new MemoryLog();
    const clock = new FakeClock();
    const begin = (cluster: string) =>
      AgentState.begin({
        dataDir,
        cluster,
        version: "1.2.3",
        features: ["metrics"],
        clock,
        random: new FakeRandom(),
        log,
      });
    const first = begin("default");
    assert.match(first.installId, /^[0-9a-f-]{36}$/);
    assert.equal(first.lastStop, undefined);

    const killed = begin("default");
    assert.equal(killed.installId, first.installId);
    assert.deepEqual(killed.lastStop, {
      at: null,
      clean: false,
      failed: false,
    });
    const other = begin("other");
    assert.equal(other.installId, first.installId);
    assert.equal(other.lastStop, undefined);

    clock.jump(1_000);
    killed.stopped();
    assert.deepEqual(begin("default").lastStop, {
      at: "2026-03-01T12:00:01.000Z",
      clean: true,
      failed: false,
    });
    begin("default").failed();
    assert.deepEqual(begin("default").lastStop, {
      at: "2026-03-01T12:00:01.000Z",
      clean: false,
      failed: true,
    });
    assert.deepEqual(log.lines, []);
  }));

Deno.test("AgentState tells what diagnostics of another process have found", () =>
  inFolder((dataDir) => {
    const log = new MemoryLog();
    const folder = {
      dataDir,
      clock: new FakeClock(),
      random: new FakeRandom(),
      log,
    };
    noteDiagnostics(folder, { kind: "diag", outcome: "ok" });
    const state = AgentState.begin({
      ...folder,
      cluster: "default",
      version: "1.2.3",
      features: ["metrics"],
    });
    const at = "2026-03-01T12:00:00.000Z";
    const found = () => state.lastDiagnostics;
    assert.deepEqual(found(), { kind: "diag", at, outcome: "ok" });
    const verified = { kind: "store_verify", outcome: "findings" } as const;
    noteDiagnostics(folder, verified);
    assert.deepEqual(found(), { ...verified, at });
    state.stopped();
    assert.deepEqual(found(), { ...verified, at });
    assert.deepEqual(log.lines, []);

    Deno.removeSync(`${dataDir}/agent`, { recursive: true });
    assert.equal(found(), undefined);
  }));

Deno.test("AgentState begins anew over a damaged file, and does without a disk", () =>
  inFolder((dataDir) => {
    const log = new MemoryLog();
    const options = {
      dataDir,
      cluster: "default",
      version: "1.2.3",
      features: [],
      clock: new FakeClock(),
      random: new FakeRandom(),
      log,
    };
    AgentState.begin(options);
    Deno.writeTextFileSync(`${dataDir}/agent/agent.json`, "{}");
    assert.equal(AgentState.begin(options).lastStop, undefined);
    assert.equal(log.lines.length, 1);

    Deno.writeTextFileSync(`${dataDir}/file`, "");
    const nowhere = { ...options, dataDir: `${dataDir}/file` };
    assert.match(AgentState.begin(nowhere).installId, /^[0-9a-f-]{36}$/);
    assert.equal(log.lines.length, 2);
  }));
