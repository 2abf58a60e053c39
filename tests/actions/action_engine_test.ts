import assert from "node:assert/strict";
import { FakeClock } from "../fakes/fake_clock.ts";
import {
  type ActionAudit,
  ActionEngine,
} from "../../src/actions/action_engine.ts";
import type { ActionSettings } from "../../src/actions/action_settings.ts";
import { ResultReporter } from "../../src/actions/result_reporter.ts";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { actionRequestHandler } from "../../src/sync/action_request_handler.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import type { ActionRequest } from "../../src/wire/action_request.ts";
import type { ExecutionAck, ExecutionResult } from "../../src/wire/bodies.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { copyFolder, openStore } from "../store/open_store.ts";
import { verifiedEvent } from "../sync/events.ts";
import { type ActionFolder, inActionFolder, until } from "./real_action.ts";

interface NodeOptions {
  readonly settings?: Partial<ActionSettings>;
  readonly disk?: Disk;
  /** How the next calls fail; then they are taken. */
  readonly failures?: Error[];
}

/** A node that can run one action, `act`. */
async function startNode(
  dataDir: string,
  path: string,
  { settings, disk, failures = [] }: NodeOptions = {},
) {
  const opened = await openStore(dataDir, disk);
  const { store, clock, log } = opened;
  const io = { clock, log, random: new FakeRandom() };
  const acks: ExecutionAck[] = [];
  const results: ExecutionResult[] = [];
  const audits: ActionAudit[] = [];
  const take = <Body>(into: Body[]) => (body: Body) => {
    const failure = failures.shift();
    if (failure) return Promise.reject(failure);
    into.push(body);
    return Promise.resolve();
  };
  const reporter = new ResultReporter({
    outbox: store.executions,
    uplink: { ackExecution: take(acks), reportResult: take(results) },
    io,
  });
  const engine = new ActionEngine({
    settings: {
      enabled: true,
      commands: { act: path },
      maxConcurrent: 2,
      maxTimeoutMs: 600_000,
      maxOutputBytes: 1024,
      ...settings,
    },
    store: store.executions,
    reporter,
    tempFolder: store.paths.tmp,
    audit: (record) => audits.push(record),
    io,
  });
  const stop = new AbortController();
  const done = Promise.all([
    reporter.run(stop.signal),
    engine.run(stop.signal),
  ]);
  return {
    ...opened,
    engine,
    acks,
    results,
    audits,
    stop: () => stop.abort(),
    async close() {
      stop.abort();
      await done;
      await store.close();
      assert.deepEqual(clock.sleeping, []);
    },
  };
}

function request(change: Partial<ActionRequest> = {}): ActionRequest {
  return { executionId: "x-1", action: "act", parameters: "{}", ...change };
}

const reasonsOf = (acks: readonly ExecutionAck[]) =>
  acks.map(({ status, reason }) => reason || status);

/** An action that waits until its folder holds a file called `go`. */
function waiting({ dir, script }: ActionFolder, then = "echo done"): string {
  return script(
    `#!/bin/sh\necho "$PLEXD_EXECUTION_ID" >> ${dir}/runs\n` +
      `while [ ! -e ${dir}/go ]; do sleep 0.01; done\n${then}\n`,
  );
}

function runsIn(dir: string): string[] {
  try {
    return Deno.readTextFileSync(`${dir}/runs`).trim().split("\n");
  } catch {
    return [];
  }
}

Deno.test("an action is accepted, run, and its result reported with all that belongs to it", () =>
  inActionFolder(async ({ dir, script }) => {
    const node = await startNode(`${dir}/data`, script("#!/bin/sh\ncat\n"));
    const triggeredBy = {
      type: "user",
      session_id: "",
      user_id: "u",
      email: "",
    };
    const parameters = `{"secret":"canary"}`;
    assert.equal(
      await node.engine.offer(request({ parameters, triggeredBy })),
      undefined,
    );
    await until(() => node.results.length > 0);
    assert.deepEqual(node.acks, [
      { execution_id: "x-1", status: "accepted", reason: "" },
    ]);
    assert.deepEqual(node.results, [{
      execution_id: "x-1",
      status: "success",
      exit_code: 0,
      stdout: `${parameters}\n`,
      stderr: "",
      duration: "0s",
      finished_at: "2026-03-01T12:00:00.000Z",
      triggered_by: triggeredBy,
    }]);
    await until(() => node.store.executions.unreported.length === 0);
    assert.deepEqual(node.audits, [{
      eventType: "action",
      action: "execute",
      subject: triggeredBy,
      object: {
        execution_id: "x-1",
        action: "act",
        status: "success",
        exit_code: 0,
      },
      result: "success",
    }]);
    assert.ok(!node.log.text.includes("canary"));
    await node.close();
    for (
      const { name } of Deno.readDirSync(`${node.store.paths.root}/executions`)
    ) {
      const text = Deno.readTextFileSync(
        `${node.store.paths.root}/executions/${name}`,
      );
      assert.ok(!text.includes("canary"), name);
    }
  }));

const rejections: {
  readonly reason: string;
  readonly settings?: Partial<ActionSettings>;
  readonly action?: string;
}[] = [
  { reason: "actions_disabled", settings: { enabled: false } },
  { reason: "unknown_action", action: "other" },
  { reason: "unknown_action", action: "constructor" },
  { reason: "unknown_action", action: "__proto__" },
  { reason: "max_concurrent_reached", settings: { maxConcurrent: 0 } },
];
for (const { reason, settings = {}, action = "act" } of rejections) {
  Deno.test(`${action} is rejected with ${reason}, and nothing is stored`, () =>
    inActionFolder(async ({ dir, script }) => {
      const node = await startNode(`${dir}/data`, script("#!/bin/sh\n"), {
        settings,
      });
      assert.equal(await node.engine.offer(request({ action })), reason);
      await until(() => node.acks.length > 0);
      assert.deepEqual(node.acks, [
        { execution_id: "x-1", status: "rejected", reason },
      ]);
      assert.equal(node.audits[0]?.action, "reject");
      assert.equal(node.audits[0]?.object["reason"], reason);
      assert.ok(!node.store.executions.has("x-1"));
      await node.close();
    }));
}

Deno.test("no more run at a time than configured, and a second place is free again afterwards", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const node = await startNode(`${dir}/data`, waiting(folder));
    const offers = ["a", "b", "c"].map((executionId) =>
      node.engine.offer(request({ executionId }))
    );
    assert.deepEqual(await Promise.all(offers), [
      undefined,
      undefined,
      "max_concurrent_reached",
    ]);
    await until(() => runsIn(dir).length === 2);
    assert.equal(node.engine.running, 2);
    Deno.writeTextFileSync(`${dir}/go`, "");
    await until(() => node.engine.running === 0);
    assert.equal(
      await node.engine.offer(request({ executionId: "c" })),
      undefined,
    );
    await until(() => node.results.length === 3);
    await node.close();
  }));

Deno.test("a replay is rejected while it runs, afterwards, and after a restart", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const path = waiting(folder);
    const node = await startNode(`${dir}/data`, path);
    const both = await Promise.all([
      node.engine.offer(request()),
      node.engine.offer(request()),
    ]);
    assert.deepEqual(both, [undefined, "duplicate_execution_id"]);
    await until(() => node.acks.length > 0);
    assert.equal(node.acks[0]?.status, "accepted");
    Deno.writeTextFileSync(`${dir}/go`, "");
    await until(() => node.results.length > 0);
    assert.equal(await node.engine.offer(request()), "duplicate_execution_id");
    await node.close();
    const again = await startNode(`${dir}/data`, path);
    assert.equal(await again.engine.offer(request()), "duplicate_execution_id");
    await until(() => again.acks.length > 0);
    assert.deepEqual(reasonsOf(again.acks), ["duplicate_execution_id"]);
    assert.deepEqual(again.results, []);
    await again.close();
    assert.deepEqual(runsIn(dir), ["x-1"]);
  }));

Deno.test("what a crash cuts off is reported as an error, and never run again", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const path = waiting(folder);
    const node = await startNode(`${dir}/data`, path);
    await node.engine.offer(request());
    await until(() => runsIn(dir).length === 1);
    // What the disk holds at this moment is what a crash leaves.
    copyFolder(`${dir}/data/clusters`, `${dir}/crashed/clusters`);
    const after = await startNode(`${dir}/crashed`, path);
    await until(() => after.results.length > 0);
    assert.equal(after.results[0]?.status, "error");
    assert.equal(after.results[0]?.exit_code, -1);
    assert.match(
      after.results[0]?.stderr ?? "",
      /the agent ended while it ran/,
    );
    assert.deepEqual(reasonsOf(after.acks), ["accepted"]);
    assert.equal(await after.engine.offer(request()), "duplicate_execution_id");
    assert.deepEqual(runsIn(dir), ["x-1"]);
    await after.close();
    Deno.writeTextFileSync(`${dir}/go`, "");
    await node.close();
  }));

Deno.test("a folder that an action has left behind is in no other's way", () =>
  inActionFolder(async ({ dir, script }) => {
    const path = script(`#!/bin/sh\ndirname "$0"\n`);
    // What a crash has left running can keep a folder from being removed.
    const disk: Disk = {
      ...systemDisk,
      remove(path) {
        if (path.includes("/action-")) throw new Error("Directory not empty");
        systemDisk.remove(path);
      },
    };
    const folders: string[] = [];
    for (const executionId of ["x/1", "x-2", "y".repeat(256)]) {
      const node = await startNode(`${dir}/data`, path, { disk });
      await node.engine.offer(request({ executionId }));
      await until(() => node.results.length > 0);
      const { status, stdout, stderr } = node.results[0]!;
      assert.equal(status, "success", stderr);
      await node.close();
      const folder = stdout.trim();
      Deno.mkdirSync(folder);
      folders.push(folder);
    }
    const tmp = `${dir}/data/clusters/default/tmp`;
    assert.deepEqual(
      [...Deno.readDirSync(tmp)].map(({ name }) => `${tmp}/${name}`).sort(),
      folders.sort(),
    );
  }));

Deno.test("when the agent stops, what runs is cancelled, and reported after the restart", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const path = waiting(folder);
    const node = await startNode(`${dir}/data`, path);
    await node.engine.offer(request());
    await until(() => runsIn(dir).length === 1);
    node.stop();
    assert.equal(
      await node.engine.offer(request({ executionId: "x-2" })),
      "shutting_down",
    );
    await node.close();
    const again = await startNode(`${dir}/data`, path);
    await until(() => again.results.length > 0);
    assert.deepEqual(
      again.results.map(({ execution_id, status }) => [execution_id, status]),
      [["x-1", "cancelled"]],
    );
    await again.close();
  }));

Deno.test("an execution that cannot be stored does not run, and its place is free", () =>
  inActionFolder(async ({ dir, script }) => {
    const disk = new CrashDisk();
    const path = script(`#!/bin/sh\necho ran >> ${dir}/runs\n`);
    const node = await startNode(`${dir}/data`, path, { disk });
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    await assert.rejects(node.engine.offer(request()), StoreWriteError);
    assert.equal(node.engine.running, 0);
    assert.deepEqual(runsIn(dir), []);
    assert.equal(await node.engine.offer(request()), undefined);
    await until(() => node.results.length > 0);
    assert.deepEqual(runsIn(dir), ["ran"]);
    await node.close();
  }));

Deno.test("a result that cannot be stored is stored later", () =>
  inActionFolder(async (folder) => {
    const { dir, script } = folder;
    const disk = new CrashDisk();
    const node = await startNode(`${dir}/data`, script("#!/bin/sh\n"), {
      disk,
    });
    await node.engine.offer(request());
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    await until(() => node.log.text.includes("could not be stored"));
    await until(() => node.clock.sleeping.length > 0);
    await node.clock.advance(1_000);
    await until(() => node.results.length > 0);
    assert.equal(node.results[0]?.status, "success");
    await node.close();
  }));

Deno.test("the requested time counts, up to the configured one", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const node = await startNode(`${dir}/data`, waiting(folder), {
      settings: { maxTimeoutMs: 5_000 },
    });
    await node.engine.offer(
      request({ executionId: "short", timeoutMs: 1_000 }),
    );
    await node.engine.offer(request({ executionId: "long", timeoutMs: 9_000 }));
    await until(() => runsIn(dir).length === 2);
    await node.clock.advance(1_000);
    await until(() => node.results.length === 1);
    await node.clock.advance(4_000);
    await until(() => node.results.length === 2);
    assert.deepEqual(
      node.results.map((
        { execution_id, status, duration },
      ) => [execution_id, status, duration]),
      [["short", "timeout", "1s"], ["long", "timeout", "5s"]],
    );
    await node.close();
  }));

Deno.test("answer and result are said again until they are taken, the answer first", () =>
  inActionFolder(async ({ dir, script }) => {
    const down = () => new ControlError("unreachable", "no route");
    const node = await startNode(`${dir}/data`, script("#!/bin/sh\n"), {
      failures: [down(), down()],
    });
    await node.engine.offer(request());
    await until(() => node.store.executions.unreported.length > 0);
    await until(() => node.clock.sleeping.length > 0);
    assert.deepEqual([node.acks.length, node.results.length], [0, 0]);
    await node.clock.advance(1_000);
    await until(() => node.clock.sleeping.length > 0);
    await node.clock.advance(2_000);
    await until(() => node.results.length > 0);
    assert.deepEqual(reasonsOf(node.acks), ["accepted"]);
    await until(() => node.store.executions.unreported.length === 0);
    await node.close();
  }));

Deno.test("a result survives a restart until the control plane has it", () =>
  inActionFolder(async ({ dir, script }) => {
    const path = script("#!/bin/sh\necho kept\n");
    const failures = Array.from(
      { length: 9 },
      () => new ControlError("server", "Status 503", { status: 503 }),
    );
    const node = await startNode(`${dir}/data`, path, { failures });
    await node.engine.offer(request());
    await until(() => node.store.executions.unreported.length > 0);
    await node.close();
    const again = await startNode(`${dir}/data`, path);
    await until(() => again.results.length > 0);
    assert.equal(again.results[0]?.stdout, "kept\n");
    await until(() => again.store.executions.unreported.length === 0);
    await again.close();
  }));

Deno.test("what the control plane refuses to hear is not said again", () =>
  inActionFolder(async ({ dir, script }) => {
    const refusal = () =>
      new ControlError("conflict", "Status 409", { status: 409 });
    const node = await startNode(`${dir}/data`, script("#!/bin/sh\n"), {
      failures: [refusal(), refusal()],
    });
    await node.engine.offer(request());
    await until(() => node.engine.running === 0);
    await until(() => node.store.executions.unreported.length === 0);
    assert.deepEqual([node.acks, node.results], [[], []]);
    assert.ok(node.store.executions.has("x-1"));
    await node.close();
  }));

const tooLarge = () =>
  new ControlError("too_large", "Status 413", { status: 413 });
const outputs = [
  { refusals: 1, bytes: 9_000, kept: 4_096, left: 4_904 },
  { refusals: 1, bytes: 70_000, kept: 65_536, left: 4_464 },
  { refusals: 2, bytes: 70_000, kept: 4_096, left: 65_904 },
];
for (const { refusals, bytes, kept, left } of outputs) {
  Deno.test(`of ${bytes} bytes of output that are refused ${refusals} times, ${kept} go`, () =>
    inActionFolder(async (folder) => {
      const { dir } = folder;
      const flood = `head -c ${bytes} /dev/zero | tr '\\0' x`;
      const failures: Error[] = [];
      const node = await startNode(`${dir}/data`, waiting(folder, flood), {
        failures,
        settings: { maxOutputBytes: 100_000 },
      });
      await node.engine.offer(request());
      await until(() => node.acks.length > 0);
      for (let n = 0; n < refusals; n++) failures.push(tooLarge());
      Deno.writeTextFileSync(`${dir}/go`, "");
      await until(() => node.results.length > 0);
      assert.equal(
        node.results[0]?.stdout,
        `${"x".repeat(kept)}\n` +
          `[plexd: ${left} more characters were too much for the control plane]\n`,
      );
      await node.close();
    }));
}

Deno.test("a result that is refused however short it is ends the matter", () =>
  inActionFolder(async (folder) => {
    const { dir } = folder;
    const failures: Error[] = [];
    const node = await startNode(`${dir}/data`, waiting(folder), { failures });
    await node.engine.offer(request());
    await until(() => node.acks.length > 0);
    failures.push(tooLarge());
    Deno.writeTextFileSync(`${dir}/go`, "");
    await until(() => node.engine.running === 0);
    await until(() => node.store.executions.unreported.length === 0);
    assert.deepEqual([node.results, failures], [[], []]);
    await node.close();
  }));

const pulled = (change = {}) => ({
  executionId: "x-1",
  action: "act",
  parameters: `{"from":"pull"}`,
  status: "pending",
  expiresAt: "2026-03-01T12:00:01Z",
  ...change,
});

Deno.test("what pulls list again and again runs once", () =>
  inActionFolder(async ({ dir, script }) => {
    const path = script(`#!/bin/sh\necho ran >> ${dir}/runs\ncat\n`);
    const node = await startNode(`${dir}/data`, path);
    await node.engine.offerPulled([pulled()]);
    await node.engine.offerPulled([pulled({ status: "started" })]);
    await until(() => node.results.length > 0);
    await node.engine.offerPulled([pulled({ status: "started" })]);
    assert.equal(node.results[0]?.stdout, `{"from":"pull"}\n`);
    assert.deepEqual(reasonsOf(node.acks), ["accepted"]);
    assert.deepEqual(runsIn(dir), ["ran"]);
    await node.close();
  }));

Deno.test("of a pull, what has expired or cannot run now is left alone, and what never will is rejected once", () =>
  inActionFolder(async ({ dir, script }) => {
    const node = await startNode(`${dir}/data`, script("#!/bin/sh\n"), {
      settings: { maxConcurrent: 0 },
    });
    const list = [
      pulled(),
      pulled({ executionId: "old", expiresAt: "2026-03-01T12:00:00Z" }),
      pulled({ executionId: "odd", expiresAt: "soon" }),
      pulled({ executionId: "unknown", action: "other" }),
    ];
    await node.engine.offerPulled(list);
    await until(() => node.acks.length > 0);
    await node.engine.offerPulled(list);
    assert.deepEqual(node.acks, [{
      execution_id: "unknown",
      status: "rejected",
      reason: "unknown_action",
    }]);
    assert.equal(node.engine.running, 0);
    await node.close();
    assert.equal(node.acks.length, 1);
  }));

Deno.test("an execution that has begun, but not by what this node remembers, ends as an error", () =>
  inActionFolder(async ({ dir, script }) => {
    const path = script(`#!/bin/sh\necho ran >> ${dir}/runs\n`);
    const node = await startNode(`${dir}/data`, path);
    await node.engine.offerPulled([pulled({ status: "started" })]);
    await until(() => node.results.length > 0);
    assert.equal(node.results[0]?.status, "error");
    assert.deepEqual(runsIn(dir), []);
    await node.close();
  }));

Deno.test("action_request hands on what it reads, and waits for nothing more", async () => {
  const offered: ActionRequest[] = [];
  const handler = actionRequestHandler({
    nodeId: "n_1",
    clock: new FakeClock(),
    offer: (request) => Promise.resolve(offered.push(request)),
  });
  const payload =
    `{"execution_id":"x","action":"a","parameters":{"n":1.0},"timeout":"1m"}`;
  const event = verifiedEvent({ type: "action_request", payload });
  assert.equal(await handler.handle(event), "applied");
  assert.deepEqual(offered, [{
    executionId: "x",
    action: "a",
    parameters: `{"n":1.0}`,
    timeoutMs: 60_000,
  }]);
  for (
    const [payload, error] of [
      [`{"execution_id":"x","action":"a","node_id":"n_2"}`, RefusedEventError],
      [`{"execution_id":"","action":"a"}`, ShapeError],
      [`{"execution_id":"x"}`, ShapeError],
      [
        `{"execution_id":"x","action":"a","expires_at":"2026-03-01T11:59:59Z"}`,
        RefusedEventError,
      ],
    ] as const
  ) {
    await assert.rejects(
      handler.handle(verifiedEvent({ type: "action_request", payload })),
      error,
    );
  }
  assert.equal(offered.length, 1);
});
