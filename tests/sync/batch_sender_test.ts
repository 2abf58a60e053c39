import assert from "node:assert/strict";
import fc from "fast-check";
import { BatchBuffer } from "../../src/sync/batch_buffer.ts";
import {
  BatchSender,
  type BatchSenderOptions,
} from "../../src/sync/batch_sender.ts";
import {
  ControlError,
  type ControlErrorDetails,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { vectors } from "../vectors/load.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function failure(kind: ControlFailure, details: ControlErrorDetails = {}) {
  return new ControlError(kind, `Failed: ${kind}`, details);
}

interface Running {
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly sender: BatchSender<number>;
  /** What the next collection finds. */
  readonly found: number[];
  /** What each call carried. */
  readonly calls: (readonly number[])[];
  /** What comes of the next calls; then they are taken. */
  readonly outcomes: (Error | Promise<void>)[];
  /** Stops the sender; it has ended when this resolves. */
  stop(): Promise<void>;
}

const SETTINGS = { collectMs: 1_000, reportMs: 10_000, batchSize: 3 };

async function whileSending(
  work: (running: Running) => Promise<void>,
  settings: Partial<BatchSenderOptions<number>> = {},
  { clock = new FakeClock(), random = new FakeRandom() } = {},
) {
  const log = new MemoryLog();
  const found: number[] = [];
  const calls: (readonly number[])[] = [];
  const outcomes: (Error | Promise<void>)[] = [];
  const sender = new BatchSender<number>({
    name: "metrics",
    dialect: 1,
    collect: () => found.splice(0),
    async send(items, signal) {
      calls.push(items);
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      await Promise.race([outcome, aborted(signal)]);
    },
    ...SETTINGS,
    io: { clock, random, log },
    ...settings,
  });
  const stop = new AbortController();
  const done = sender.run(stop.signal);
  try {
    await work({
      clock,
      log,
      sender,
      found,
      calls,
      outcomes,
      stop: () => (stop.abort(), done),
    });
  } finally {
    stop.abort();
    await clock.advance(60_000);
    await done;
  }
  assert.deepEqual(clock.sleeping, []);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    })
  );
}

Deno.test("BatchSender collects and sends at its intervals, in batches", () =>
  whileSending(async ({ clock, found, calls, sender }) => {
    found.push(1, 2);
    await clock.advance(1_000);
    found.push(3, 4);
    await clock.advance(8_999);
    assert.deepEqual(calls, []);
    assert.equal(sender.status.buffered, 4);
    await clock.advance(1);
    assert.deepEqual(calls, [[1, 2, 3], [4]]);
    assert.deepEqual(sender.status, { sent: 4, dropped: 0, buffered: 0 });
    await clock.advance(30_000);
    assert.equal(calls.length, 2);
  }));

Deno.test("BatchSender keeps twice a batch, and drops the oldest", () =>
  whileSending(async ({ clock, found, calls, sender }) => {
    found.push(1, 2, 3, 4, 5, 6, 7, 8);
    await clock.advance(10_000);
    assert.deepEqual(calls, [[3, 4, 5], [6, 7, 8]]);
    assert.equal(sender.status.dropped, 2);
  }));

Deno.test("BatchSender puts what was not taken back in front", () =>
  whileSending(async ({ clock, found, calls, outcomes, sender, log }) => {
    found.push(1, 2, 3, 4);
    outcomes.push(failure("unreachable"), failure("unreachable"));
    await clock.advance(10_000);
    assert.deepEqual(calls, [[1, 2, 3]]);
    assert.equal(sender.status.lastError, "Failed: unreachable");
    found.push(5);
    await clock.advance(10_000);
    await clock.advance(20_000);
    assert.deepEqual(calls.slice(1), [[1, 2, 3], [1, 2, 3], [4, 5]]);
    assert.deepEqual(sender.status, { sent: 5, dropped: 0, buffered: 0 });
    assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
  }));

Deno.test("BatchSender drops the oldest of what comes back when there is no room", () =>
  whileSending(async ({ clock, found, calls, outcomes, sender }) => {
    found.push(1, 2, 3);
    const answer = Promise.withResolvers<void>();
    outcomes.push(answer.promise);
    await clock.advance(10_000);
    found.push(4, 5, 6, 7);
    await clock.advance(1_000);
    answer.reject(failure("timeout"));
    await clock.advance(20_000);
    assert.deepEqual(calls, [[1, 2, 3], [2, 3, 4], [5, 6, 7]]);
    assert.equal(sender.status.dropped, 1);
  }));

const waits = [
  [failure("rate_limited", { status: 429, retryAfterMs: 45_000 }), 55_000],
  [failure("server", { status: 503, retryAfterMs: 45_000 }), 55_000],
  [failure("server", { status: 500 }), 10_000],
] as const;

for (const [error, waitMs] of waits) {
  Deno.test(`BatchSender waits ${waitMs} ms after status ${error.status}, Retry-After ${error.retryAfterMs}`, () =>
    whileSending(async ({ clock, found, calls, outcomes }) => {
      found.push(1);
      outcomes.push(error);
      await clock.advance(10_000);
      await clock.advance(waitMs - 1);
      assert.equal(calls.length, 1);
      await clock.advance(1);
      assert.deepEqual(calls, [[1], [1]]);
    }));
}

Deno.test("BatchSender slows down while a control plane is away, and forgets that", () =>
  whileSending(async ({ clock, found, calls, outcomes }) => {
    found.push(1);
    for (let n = 0; n < 8; n++) outcomes.push(failure("unreachable"));
    await clock.advance(3_600_000);
    assert.equal(calls.length, 9);
    found.push(2);
    await clock.advance(10_000);
    assert.equal(calls.length, 10);
  }));

const surface = vectors.error_classification_dialect2
  .filter((one) => one.surface === "metrics");
assert.ok(surface.length >= 3);
for (const { status, code, action } of surface) {
  Deno.test(`BatchSender obeys vector ${status} ${code}: ${action}`, () =>
    whileSending(async ({ clock, found, calls, outcomes, sender }) => {
      found.push(1, 2, 3);
      const kind = status === 400
        ? "bad_request"
        : status === 413
        ? "too_large"
        : "server";
      outcomes.push(failure(kind, { status, code: code ?? "" }));
      await clock.advance(10_000);
      await clock.advance(20_000);
      const split = action === "split_batch";
      const rest = split ? [[1, 2], [3]] : [];
      assert.deepEqual(calls, [[1, 2, 3], ...rest]);
      assert.equal(sender.status.dropped, split ? 0 : 3);
      assert.equal(sender.status.buffered, 0);
    }, { dialect: 2 }));
}

Deno.test("BatchSender drops the one item that is too large by itself", () =>
  whileSending(async ({ clock, found, calls, sender }) => {
    found.push(1, 99, 3);
    await clock.advance(10_000);
    assert.deepEqual(calls, []);
    assert.deepEqual(sender.status.sent, 2);
    assert.deepEqual(sender.status.dropped, 1);
  }, {
    send: (items) =>
      items.includes(99)
        ? Promise.reject(failure("too_large", { status: 413 }))
        : Promise.resolve(),
  }));

Deno.test("BatchSender asks a control plane that finds all too large a few times, not for each item", () => {
  const sizes: number[] = [];
  return whileSending(async ({ clock, found, sender }) => {
    for (let n = 0; n < 64; n++) found.push(n);
    await clock.advance(10_000);
    assert.deepEqual(sizes, [64, 32, 16, 8, 4, 2, 1, 1, 2, 1]);
    const { dropped, buffered, sent } = sender.status;
    assert.deepEqual([dropped, buffered, sent], [3, 61, 0]);
    await clock.advance(20_000);
    assert.equal(sender.status.dropped, 6);
    assert.ok(sizes.length <= 20);
  }, {
    batchSize: 64,
    send(items) {
      sizes.push(items.length);
      return Promise.reject(failure("too_large", { status: 413 }));
    },
  });
});

Deno.test("BatchSender goes on with what its predecessor could not send", async () => {
  const buffer = new BatchBuffer<number>(1);
  await whileSending(async ({ clock, found, outcomes, sender }) => {
    found.push(1, 2);
    outcomes.push(failure("unreachable"), failure("unreachable"));
    await clock.advance(10_000);
    assert.equal(sender.status.buffered, 2);
  }, { buffer });
  assert.equal(buffer.queue.size, 2);
  await whileSending(async ({ clock, found, calls, sender }) => {
    found.push(3);
    await clock.advance(10_000);
    assert.deepEqual(calls, [[1, 2, 3]]);
    assert.deepEqual(sender.status, { sent: 3, dropped: 0, buffered: 0 });
  }, { buffer });
});

Deno.test("BatchSender says when there is no more room, and how much is missing once it gets through", () => {
  const gaps: number[] = [];
  let lostBefore = 0;
  return whileSending(async ({ clock, found, outcomes, log }) => {
    outcomes.push(failure("unreachable"), failure("unreachable"));
    found.push(1, 2, 3, 4, 5, 6);
    await clock.advance(10_000);
    for (const n of [7, 8]) {
      found.push(n);
      await clock.advance(1_000);
    }
    lostBefore = 5;
    assert.deepEqual(gaps, []);
    await clock.advance(60_000);
    assert.deepEqual(gaps, [7]);
    await clock.advance(60_000);
    found.push(9);
    await clock.advance(60_000);
    assert.deepEqual(gaps, [7]);
    const told = log.lines.map(({ message }) => message);
    assert.deepEqual(told, [
      "Telemetry not sent",
      "Telemetry has no more room, the oldest is dropped",
    ]);
  }, {
    onGap: (dropped) => gaps.push(dropped),
    lostBefore: () => lostBefore,
  });
});

for (const [unit, firstMs] of [[0, 9_000], [0.75, 10_500]] as const) {
  Deno.test(`BatchSender parts from others that started with it: ${firstMs} ms at chance ${unit}`, () => {
    const clock = new FakeClock();
    return whileSending(
      async ({ found, calls }) => {
        found.push(1);
        await clock.advance(firstMs - 1);
        assert.equal(calls.length, 0);
        await clock.advance(1);
        assert.equal(calls.length, 1);
      },
      {},
      { clock, random: new FakeRandom(unit) },
    );
  });
}

Deno.test("BatchSender sends once more when it is stopped", () =>
  whileSending(async ({ found, calls, stop, sender }) => {
    found.push(1, 2, 3, 4);
    await stop();
    assert.deepEqual(calls, [[1, 2, 3], [4]]);
    assert.equal(sender.status.buffered, 0);
  }));

Deno.test("BatchSender sends nothing more for a node that has left", () =>
  whileSending(async ({ found, calls, stop }) => {
    found.push(1);
    await stop();
    assert.deepEqual(calls, []);
  }, { left: AbortSignal.abort() }));

Deno.test("BatchSender gives its last sending a limited time", () =>
  whileSending(async ({ clock, found, calls, outcomes, stop }) => {
    found.push(1);
    outcomes.push(new Promise(() => {}));
    const stopped = stop();
    await clock.advance(1_999);
    assert.deepEqual(calls, [[1]]);
    await clock.advance(1);
    await stopped;
  }));

Deno.test("BatchSender does not cut off a call by a stop: it may have been taken", () =>
  whileSending(async ({ clock, found, calls, outcomes, stop, sender }) => {
    found.push(1);
    const answer = Promise.withResolvers<void>();
    outcomes.push(answer.promise);
    await clock.advance(10_000);
    found.push(2);
    const stopped = stop();
    await settle();
    answer.resolve();
    await stopped;
    assert.deepEqual(calls, [[1], [2]]);
    assert.equal(sender.status.sent, 2);
  }));

Deno.test("BatchSender goes on when collecting fails", () => {
  let fails = true;
  return whileSending(async ({ clock, calls, log }) => {
    await clock.advance(10_000);
    fails = false;
    await clock.advance(10_000);
    assert.equal(log.lines[0]?.message, "Telemetry not collected");
    assert.deepEqual(calls[0], [7, 7, 7]);
  }, {
    collect: () => fails ? Promise.reject(new Error("no")) : [7],
  });
});

for (const name of ["collectMs", "reportMs", "batchSize"] as const) {
  Deno.test(`BatchSender refuses ${name} 0`, () =>
    assert.rejects(whileSending(() => Promise.resolve(), { [name]: 0 }), {
      name: "RangeError",
    }));
}

/** What happens next in a run of the property. */
const steps = fc.array(
  fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 9 }) }),
    fc.record({
      fail: fc.constantFrom<ControlFailure>(
        "unreachable",
        "timeout",
        "rate_limited",
        "bad_request",
        "too_large",
        "unsupported",
        "unauthorized",
      ),
    }),
    fc.record({ wait: fc.integer({ min: 100, max: 400_000 }) }),
  ),
  { maxLength: 40 },
);

Deno.test("BatchSender sends each item once, in order, or counts it as dropped", () =>
  fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      let added = 0;
      const taken: number[] = [];
      const failures: ControlFailure[] = [];
      await whileSending(async ({ clock, found, sender, stop }) => {
        for (const step of plan) {
          if ("add" in step) {
            for (let n = 0; n < step.add; n++) found.push(++added);
          } else if ("fail" in step) failures.push(step.fail);
          else await clock.advance(step.wait);
          assert.ok(sender.status.buffered <= 6, "the buffer is bounded");
        }
        failures.length = 0;
        await stop();
        const { sent, dropped, buffered } = sender.status;
        assert.equal(buffered, 0);
        assert.equal(sent, taken.length);
        assert.equal(sent + dropped, added);
        const inOrder = taken.toSorted((a, b) => a - b);
        assert.deepEqual(taken, inOrder);
        assert.equal(new Set(taken).size, taken.length);
      }, {
        send(items) {
          assert.ok(items.length >= 1 && items.length <= 3);
          const kind = failures.shift();
          if (kind) return Promise.reject(failure(kind));
          taken.push(...items);
          return Promise.resolve();
        },
      });
    }),
    { numRuns: 60 },
  ));
