import assert from "node:assert/strict";
import { ClockSkew } from "../../src/sync/clock_skew.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

function setUp() {
  const clock = new FakeClock("2026-03-01T12:00:00Z");
  const degraded = new Degraded(clock, new MemoryLog());
  const skew = new ClockSkew({ clock, degraded });
  const shown = () => degraded.list().map(({ detail }) => detail);
  return { clock, degraded, skew, shown };
}

const apart = [
  {
    date: "Sun, 01 Mar 2026 13:00:00 GMT",
    says: "the control plane's clock is 3600 s ahead of this node's",
  },
  {
    date: "Sun, 01 Mar 2026 11:00:00 GMT",
    says: "the control plane's clock is 3600 s behind this node's",
  },
  {
    date: "Sunday, 01-Mar-26 13:00:00 GMT",
    says: "the control plane's clock is 3600 s ahead of this node's",
  },
];
for (const { date, says } of apart) {
  Deno.test(`ClockSkew shows that ${says}, by "${date}"`, () => {
    const { skew, shown, degraded } = setUp();
    skew.answered(date, 20);
    assert.deepEqual(shown(), [says]);
    assert.equal(degraded.list()[0]?.reason, "clock_skew");
    skew.answered("Sun, 01 Mar 2026 12:00:00 GMT", 20);
    assert.deepEqual(shown(), []);
  });
}

const fine = [
  { date: "Sun, 01 Mar 2026 12:01:01 GMT", tookMs: 0, what: "a minute" },
  { date: "Sun, 01 Mar 2026 11:58:59 GMT", tookMs: 0, what: "a minute" },
  {
    date: "Sun, 01 Mar 2026 12:01:20 GMT",
    tookMs: 25_000,
    what: "an answer that took long",
  },
  { date: "yesterday", tookMs: 0, what: "no date at all" },
  { date: "", tookMs: 0, what: "an empty header" },
  { date: null, tookMs: 0, what: "no header" },
];
for (const { date, tookMs, what } of fine) {
  Deno.test(`ClockSkew shows nothing for ${what} (${date})`, () => {
    const { skew, shown } = setUp();
    skew.answered(date, tookMs);
    assert.deepEqual(shown(), []);
  });
}

Deno.test("ClockSkew shows the first second beyond a minute", () => {
  const { skew, shown } = setUp();
  skew.answered("Sun, 01 Mar 2026 12:01:02 GMT", 0);
  assert.equal(shown().length, 1);
});

Deno.test("ClockSkew sees that this node's clock has jumped", () => {
  const { skew, shown, clock } = setUp();
  clock.jump(-3_600_000);
  skew.answered("Sun, 01 Mar 2026 12:00:00 GMT", 0);
  assert.match(shown()[0] ?? "", /3600 s ahead/);
});

Deno.test("ClockSkew shows that this node's time was refused, until it is taken", () => {
  const { skew, shown } = setUp();
  skew.called(new ControlError("bad_request", "no", { code: "clock_skew" }));
  assert.match(shown()[0] ?? "", /refuses this node's time/);
  skew.called(new ControlError("unreachable", "no answer"));
  skew.answered("Sun, 01 Mar 2026 12:00:00 GMT", 0);
  assert.equal(shown().length, 1, "neither says that it is over");
  skew.called(undefined);
  assert.deepEqual(shown(), []);
});
