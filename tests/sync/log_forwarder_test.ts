import assert from "node:assert/strict";
import {
  createLogger,
  formatTextLine,
  teeLogger,
} from "../../src/platform/log.ts";
import { BatchSender } from "../../src/sync/batch_sender.ts";
import { LogForwarder } from "../../src/sync/log_forwarder.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { type LogEntry, logEntrySchema } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function setUp(limit = 10, secrets: string[] = []) {
  const clock = new FakeClock();
  const local = new MemoryLog();
  const forwarder = new LogForwarder({
    hostname: "node-1",
    limit,
    secrets: () => secrets,
    clock,
  });
  return { clock, local, forwarder, log: teeLogger(local, forwarder.hear) };
}

Deno.test("LogForwarder makes entries of warnings and errors, and of nothing else", () => {
  const { forwarder, log, local } = setUp();
  log.debug("Detail");
  log.info("News");
  log.with({ component: "x" }).warn("Something failed", { error: "a b", n: 2 });
  log.error("It broke");
  assert.equal(local.lines.length, 4);
  assert.deepEqual(local.lines[2]?.fields, {
    component: "x",
    error: "a b",
    n: 2,
  });
  const entries = forwarder.drain();
  const shared = {
    timestamp: "2026-03-01T12:00:00.000Z",
    source: "plexd",
    unit: "plexd",
    hostname: "node-1",
  };
  assert.deepEqual(entries, [
    {
      ...shared,
      message: 'Something failed component=x error="a b" n=2',
      severity: "warning",
    },
    { ...shared, message: "It broke", severity: "err" },
  ]);
  for (const entry of entries) logEntrySchema.parse(entry);
  assert.deepEqual(forwarder.drain(), []);
});

Deno.test("LogForwarder hears what the local log is too coarse to write", () => {
  const { forwarder, clock } = setUp();
  const lines: string[] = [];
  const quiet = createLogger({
    clock,
    level: "error",
    format: formatTextLine,
    write: (line) => lines.push(line),
  });
  teeLogger(quiet, forwarder.hear).warn("Something failed");
  assert.deepEqual(lines, []);
  assert.equal(forwarder.drain().length, 1);
});

Deno.test("LogForwarder is bounded, in entries and in each message", () => {
  const { forwarder, log } = setUp(2);
  for (const n of [1, 2, 3]) log.warn(`Warning ${n}`);
  log.warn("😀".repeat(5_000));
  assert.equal(forwarder.waiting, 2);
  assert.equal(forwarder.dropped, 2);
  const [first, second] = forwarder.drain();
  assert.equal(first?.message, "Warning 3");
  assert.equal(second?.message.length, 2_048);
  assert.ok(second.message.isWellFormed());
});

Deno.test("LogForwarder tells what is said again and again ten times, then at each doubling", async () => {
  const { forwarder, log, local, clock } = setUp(100);
  for (let n = 1; n <= 100; n++) {
    log.warn("State pull failed", { attempt: n, error: "no answer" });
  }
  log.error("It broke");
  const messages = forwarder.drain().map(({ message }) => message);
  const text = (n: number) =>
    `State pull failed attempt=${n} error="no answer"`;
  assert.deepEqual(messages, [
    ...Array.from({ length: 10 }, (_, at) => text(at + 1)),
    ...[20, 40, 80].map((n) => `${text(n)} said=${n}`),
    "It broke",
  ]);
  assert.equal(local.lines.length, 101, "the local log has all of them");
  assert.equal(forwarder.dropped, 0);

  await clock.advance(3_599_999);
  log.warn("State pull failed", { attempt: 1, error: "no answer" });
  assert.deepEqual(forwarder.drain(), []);
  await clock.advance(3_600_000);
  log.warn("State pull failed", { attempt: 1, error: "no answer" });
  assert.equal(forwarder.drain()[0]?.message, text(1));
});

Deno.test("LogForwarder keeps a long message that is said again within its bounds", () => {
  const { forwarder, log } = setUp(100);
  for (let n = 1; n <= 20; n++) log.warn("x".repeat(3_000));
  const last = forwarder.drain().at(-1)?.message ?? "";
  assert.equal(last.length, 2_048);
  assert.ok(last.endsWith("x… said=20"));
});

Deno.test("LogForwarder forwards no half of a character, and no NUL", () => {
  const { forwarder, log } = setUp();
  log.warn("Report refused", { key: "a\ud800b", text: "c\0d" });
  const message = forwarder.drain()[0]?.message ?? "";
  assert.ok(message.startsWith("Report refused"));
  assert.ok(message.isWellFormed());
  assert.ok(!message.includes("\0"));
});

Deno.test("a hundred thousand texts are forwarded within bounds, and the newest are there", () => {
  const { forwarder, log } = setUp(400);
  const word = (n: number) =>
    n.toString(26).replaceAll(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)]!);
  for (let n = 0; n < 100_000; n++) log.warn(`Failed: ${word(n)}`);
  assert.equal(forwarder.waiting, 400);
  assert.ok(forwarder.drain().at(-1)?.message.endsWith(word(99_999)));
});

const CANARY = "c4n4ry-8vZ0bqT3xLk2Jw==";
const leaks = [
  `The answer quoted ${CANARY}.`,
  "Authorization: Bearer c4n4ry.c4n4ry",
  "https://user:c4n4ry@example.com/",
  "token psb_prod_c4n4ry_node_c4n4ryc4n4ryc4n4ry",
  "nsk_plexd_c4n4ryc4n4ryc4n4ry",
  "-----BEGIN PRIVATE KEY-----\nc4n4ry\n-----END PRIVATE KEY-----",
  `${"x".repeat(2_040)}${CANARY}`,
];

for (const leak of leaks) {
  Deno.test(`LogForwarder lets no credential through in ${JSON.stringify(leak).slice(0, 40)}`, () => {
    const { forwarder, log } = setUp(10, [CANARY]);
    log.warn(leak);
    log.warn("In a field", { error: new Error(leak), nested: { leak } });
    const text = JSON.stringify(forwarder.drain());
    assert.ok(!text.includes("c4n4"), text);
    assert.ok(text.includes("redacted") || text.includes("…"));
  });
}

Deno.test("logs that cannot be sent make no new logs to be sent", async () => {
  const { forwarder, log, local, clock } = setUp();
  const calls: (readonly LogEntry[])[] = [];
  const sender = new BatchSender<LogEntry>({
    name: "logs",
    dialect: 1,
    collect: () => forwarder.drain(),
    send(entries) {
      calls.push(entries);
      return Promise.reject(new ControlError("server", "Status 500"));
    },
    collectMs: 1_000,
    reportMs: 10_000,
    batchSize: 5,
    // As the agent does it: the plain log, which is not forwarded.
    io: { clock, random: new FakeRandom(), log: local },
  });
  const stop = new AbortController();
  const done = sender.run(stop.signal);
  log.error("It broke");
  await clock.advance(3_600_000);
  assert.ok(calls.length > 3);
  for (const call of calls) {
    assert.deepEqual(call.map(({ message }) => message), ["It broke"]);
  }
  assert.equal(local.lines.length, 2);
  stop.abort();
  await clock.advance(10_000);
  await done;
});
