import assert from "node:assert/strict";
import { freshnessOf } from "../../src/agent/status.ts";
import { watchContact } from "../../src/agent/watch_contact.ts";
import { watchDisk } from "../../src/agent/watch_disk.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const INTERVAL_MS = 60_000;

const cases = [
  {
    when: "the stream is open, however old the last pull",
    contact: {
      streaming: true,
      lastSuccessMs: NOW_MS - 3_600_000,
      lastEventMs: undefined,
    },
    stale: false,
  },
  {
    when: "the stream is down and a pull is two intervals old",
    contact: {
      streaming: false,
      lastSuccessMs: NOW_MS - 2 * INTERVAL_MS,
      lastEventMs: undefined,
    },
    stale: false,
  },
  {
    when: "the stream is down and a pull is older than that",
    contact: {
      streaming: false,
      lastSuccessMs: NOW_MS - 2 * INTERVAL_MS - 1,
      lastEventMs: undefined,
    },
    stale: true,
  },
  {
    when: "the stream is down and there was no pull yet",
    contact: {
      streaming: false,
      lastSuccessMs: undefined,
      lastEventMs: undefined,
    },
    stale: true,
  },
  {
    when: "the stream is down and the clock was set back since the last pull",
    contact: {
      streaming: false,
      lastSuccessMs: NOW_MS + INTERVAL_MS,
      sinceSuccessMs: 2 * INTERVAL_MS + 1,
      lastEventMs: undefined,
    },
    stale: true,
  },
  {
    when: "the stream is down and an earlier run has pulled in the future",
    contact: {
      streaming: false,
      lastSuccessMs: NOW_MS + 2 * INTERVAL_MS + 1,
      lastEventMs: undefined,
    },
    stale: true,
  },
  {
    when: "the machine has slept since the last pull",
    contact: {
      streaming: false,
      lastSuccessMs: NOW_MS - 3_600_000,
      sinceSuccessMs: 1_000,
      lastEventMs: undefined,
    },
    stale: true,
  },
];

for (const { when, contact, stale } of cases) {
  Deno.test(`freshnessOf() is ${stale ? "stale" : "fresh"} when ${when}`, () => {
    const clock = new FakeClock(NOW_MS);
    assert.equal(freshnessOf(contact, clock, INTERVAL_MS).stale, stale);
  });
}

Deno.test("freshnessOf() counts the later of pull and event as verified", () => {
  const contact = { streaming: true, lastSuccessMs: 5, lastEventMs: 7 };
  const clock = new FakeClock(NOW_MS);
  assert.equal(freshnessOf(contact, clock, INTERVAL_MS).verifiedAtMs, 7);
});

Deno.test("watchContact() shows why the control plane cannot be used", () => {
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  const contact = watchContact(degraded);
  const reasons = () => degraded.list().map((one) => one.reason);
  contact.heard("pull", new ControlError("unreachable", "no route"));
  assert.deepEqual(reasons(), ["control_plane_unreachable"]);
  contact.heard(
    "pull",
    new ControlError("unauthorized", "no", { status: 401 }),
  );
  assert.deepEqual(reasons(), ["unauthorized"]);
  contact.heard("pull", undefined);
  assert.deepEqual(reasons(), []);
});

Deno.test("watchContact() shows that pulls fail until one succeeds, whatever else does", () => {
  const clock = new FakeClock();
  const degraded = new Degraded(clock, new MemoryLog());
  const contact = watchContact(degraded);
  const shown = () => degraded.list().map(({ since }) => since);
  const noJson = new ControlError("bad_answer", "not JSON");
  contact.heard("pull", noJson);
  const first = shown();
  assert.equal(first.length, 1);
  for (let turn = 0; turn < 3; turn++) {
    clock.jump(30_000);
    contact.heard("heartbeat", undefined);
    contact.heard("stream", undefined);
    contact.heard("pull", noJson);
    assert.deepEqual(shown(), first);
  }
  contact.heard("pull", new ControlError("not_found", "status 404"));
  assert.deepEqual(shown(), [], "it is there, and says something else");
  contact.heard("pull", noJson);
  contact.heard("pull", undefined);
  assert.deepEqual(shown(), []);
  contact.heard("heartbeat", new ControlError("server", "status 500"));
  assert.equal(shown().length, 1);
  contact.heard("stream", undefined);
  assert.deepEqual(shown(), [], "a heartbeat is no state");
});

Deno.test("watchContact() shows a refusal until it is over where it was said", () => {
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  const contact = watchContact(degraded);
  const reasons = () => degraded.list().map((one) => one.reason);
  contact.heard("stream", new ControlError("unauthorized", "no stream"));
  contact.heard("pull", undefined);
  contact.heard("heartbeat", undefined);
  assert.deepEqual(reasons(), ["unauthorized"]);
  contact.heard("stream", new ControlError("timeout", "no answer"));
  assert.deepEqual(reasons(), ["unauthorized"], "nobody has taken it back");
  contact.heard("stream", undefined);
  assert.deepEqual(reasons(), []);
  contact.heard("pull", new ControlError("forbidden", "no"));
  contact.renewed();
  assert.deepEqual(reasons(), [], "the node is another one now");
});

Deno.test("watchContact() has the node join anew after 401 alone, and tells of it", () => {
  const clock = new FakeClock();
  const degraded = new Degraded(clock, new MemoryLog());
  const wanted: boolean[] = [];
  const contact = watchContact(degraded, {
    want: (one) => wanted.push(one),
    nextTryMs: clock.elapsed() + 600_000,
    outcome: "there is no token",
  });
  contact.heard("heartbeat", new ControlError("forbidden", "no"));
  contact.heard("heartbeat", new ControlError("unauthorized", "who are you?"));
  contact.heard("heartbeat", undefined);
  contact.heard("pull", new ControlError("unauthorized", "who are you?"));
  assert.deepEqual(wanted, [false, true, false, true]);
  const [reason] = degraded.list();
  assert.equal(reason?.detail, "who are you?; there is no token");
  assert.equal(reason?.next_try_at, "2026-03-01T12:10:00.000Z");
});

Deno.test("watchContact() does not blame the connection for other failures", () => {
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  const contact = watchContact(degraded);
  contact.heard("pull", new Error("the disk is full"));
  contact.heard("stream", new ControlError("unreachable", "cut"));
  contact.heard(
    "pull",
    new ControlError("rate_limited", "slow down", { status: 429 }),
  );
  assert.deepEqual(degraded.list(), []);
});

const disks = [
  { code: "ENOSPC", reasons: ["disk_full"] },
  { code: "EROFS", reasons: ["store_read_only"] },
  { code: "EIO", reasons: [] },
];
for (const { code, reasons } of disks) {
  Deno.test(`watchDisk() shows [${reasons}] after ${code}, until something is stored`, () => {
    const degraded = new Degraded(new FakeClock(), new MemoryLog());
    const disk = watchDisk(degraded);
    const cause = Object.assign(new Error("no"), { code });
    disk.failed(new StoreWriteError("a report", cause));
    disk.failed(new Error("something else"));
    disk.failed(undefined);
    assert.deepEqual(degraded.list().map((one) => one.reason), reasons);
    disk.wrote();
    assert.deepEqual(degraded.list(), []);
  });
}
