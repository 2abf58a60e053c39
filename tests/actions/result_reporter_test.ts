import assert from "node:assert/strict";
import {
  accepted,
  type ResultOutbox,
  ResultReporter,
} from "../../src/actions/result_reporter.ts";
import { ControlError, failureOf } from "../../src/uplink/control_error.ts";
import type { ExecutionAck } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const NOTHING: ResultOutbox = {
  running: [],
  unreported: [],
  result: () => undefined,
  settle: () => Promise.resolve(),
};

const rejected: ExecutionAck = {
  execution_id: "x-1",
  status: "rejected",
  reason: "shutting_down",
};

type Call = (body: unknown, signal: AbortSignal) => Promise<void>;

function reporterOf(call: Call, outbox: ResultOutbox = NOTHING) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const reporter = new ResultReporter({
    outbox,
    uplink: { ackExecution: call, reportResult: call },
    io: { clock, log, random: new FakeRandom() },
  });
  return { reporter, clock, log };
}

const hang: Call = (_, signal) =>
  new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

Deno.test("a rejection that is still to be said is said once more at the end", async () => {
  const said: unknown[] = [];
  const { reporter, clock } = reporterOf((body) => {
    said.push(body);
    return Promise.resolve();
  });
  reporter.answer(rejected);
  reporter.answer(accepted("x-2"));
  await reporter.run(AbortSignal.abort());
  // What was taken on is on disk, and said at the next start.
  assert.deepEqual(said, [rejected]);
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("the end waits two seconds for that, no longer", async () => {
  const { reporter, clock } = reporterOf(hang);
  reporter.answer(rejected);
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await clock.advance(1_999);
  assert.deepEqual(clock.sleeping, [1]);
  await clock.advance(1);
  await done;
  assert.deepEqual(clock.sleeping, []);
});

Deno.test("a reporter with nothing to say stops at once", async () => {
  const { reporter, clock } = reporterOf(hang);
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await done;
});

Deno.test("a later answer takes the place of an earlier one", async () => {
  const said: unknown[] = [];
  const { reporter, clock } = reporterOf((body) => {
    said.push(body);
    return Promise.resolve();
  });
  reporter.answer(rejected);
  reporter.answer(accepted("x-1"));
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await done;
  assert.deepEqual(said, [accepted("x-1")]);
});

Deno.test("what was taken on is not rejected when its request comes twice", async () => {
  const said: unknown[] = [];
  const outbox = { ...NOTHING, running: [{ executionId: "x-1" }] };
  const { reporter, clock } = reporterOf((body) => {
    said.push(body);
    return Promise.resolve();
  }, outbox);
  reporter.answer({ ...rejected, reason: "duplicate_execution_id" });
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await done;
  assert.deepEqual(said, [accepted("x-1")]);
});

Deno.test("waits grow to a minute while the control plane is away, and one result does not hold up the others", async () => {
  const tried: string[] = [];
  const result = (execution_id: string) => ({
    execution_id,
    status: "success" as const,
    exit_code: 0,
    stdout: "",
    stderr: "",
    duration: "1s",
    finished_at: "2026-03-01T12:00:00Z",
  });
  const open = new Set(["bad", "good"]);
  const outbox: ResultOutbox = {
    running: [],
    get unreported() {
      return [...open].map((executionId) => ({ executionId }));
    },
    result,
    settle: (id) => Promise.resolve(void open.delete(id)),
  };
  const { reporter, clock } = reporterOf((body) => {
    const { execution_id: id, ...rest } = body as ReturnType<typeof result>;
    if (!("duration" in rest)) return Promise.resolve();
    tried.push(id);
    return id === "bad"
      ? Promise.reject(new ControlError("server", "Status 500"))
      : Promise.resolve();
  }, outbox);
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(0);
  assert.deepEqual(tried, ["bad", "good"]);
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    const [wait] = clock.sleeping;
    waits.push(wait!);
    await clock.advance(wait!);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000));
  assert.deepEqual([...open], ["bad"]);
  stop.abort();
  await done;
});

Deno.test("a result that cannot be read or settled just now is tried again", async () => {
  const faults = ["read", "settle"];
  const isFaulty = (what: string) => faults[0] === what && faults.shift();
  let isOpen = true;
  const outbox: ResultOutbox = {
    running: [],
    get unreported() {
      return isOpen ? [{ executionId: "x-1" }] : [];
    },
    result(execution_id) {
      if (isFaulty("read")) throw new Error("EIO");
      return {
        execution_id,
        status: "success",
        exit_code: 0,
        stdout: "",
        stderr: "",
        duration: "1s",
        finished_at: "2026-03-01T12:00:00Z",
      };
    },
    settle() {
      if (isFaulty("settle")) return Promise.reject(new Error("ENOSPC"));
      isOpen = false;
      return Promise.resolve();
    },
  };
  const { reporter, clock } = reporterOf(() => Promise.resolve(), outbox);
  const stop = new AbortController();
  const done = reporter.run(stop.signal);
  await clock.advance(3_000);
  assert.equal(isOpen, false);
  assert.deepEqual(faults, []);
  stop.abort();
  await done;
});

const AFTER_STATUS = [
  // What stands in between, the moment and the node's standing pass.
  ...[302, 307, 401, 408, 429, 500, 502, 503].map((status) =>
    [status, "kept", false] as const
  ),
  ...[400, 403, 404, 409, 413, 410, 415, 422, 501].map((status) =>
    [status, "given up", false] as const
  ),
  // Behind a proxy whose control plane is away, nobody has said anything.
  [404, "kept", true] as const,
];
for (const [status, wanted, isPage] of AFTER_STATUS) {
  const answer = isPage ? `a web page and ${status}` : String(status);
  Deno.test(`a result that is answered with ${answer} is ${wanted}`, async () => {
    let isOpen = true;
    const outbox: ResultOutbox = {
      running: [],
      get unreported() {
        return isOpen ? [{ executionId: "x-1" }] : [];
      },
      result: (execution_id) => ({
        execution_id,
        status: "success",
        exit_code: 0,
        stdout: "",
        stderr: "",
        duration: "1s",
        finished_at: "2026-03-01T12:00:00Z",
      }),
      settle: () => Promise.resolve(void (isOpen = false)),
    };
    const failure = new ControlError(failureOf(status), "Refused", {
      status,
      isPage,
    });
    const { reporter, clock } = reporterOf(
      () => Promise.reject(failure),
      outbox,
    );
    const stop = new AbortController();
    const done = reporter.run(stop.signal);
    await clock.advance(0);
    assert.equal(isOpen ? "kept" : "given up", wanted);
    stop.abort();
    await done;
  });
}
