import assert from "node:assert/strict";
import fc from "fast-check";
import {
  EVENT_WINDOW_MS,
  ReplayWindow,
} from "../../src/trust/replay_window.ts";

Deno.test("ReplayWindow keeps a nonce for as long as its event could be fresh", () => {
  const window = new ReplayWindow();
  window.remember("a", 1_000, 1_000);
  window.remember("b", 2_000, 1_000 + EVENT_WINDOW_MS);
  assert.equal(window.has("a"), true);
  window.remember("c", 3_000, 2_000 + EVENT_WINDOW_MS);
  assert.equal(window.has("a"), false);
  assert.equal(window.floorMs, 1_000);
  assert.equal(window.size, 2);
});

Deno.test("ReplayWindow forgets a nonce without raising its floor", () => {
  const window = new ReplayWindow();
  window.remember("a", 1_000, 1_000);
  window.forget("a");
  window.forget("unknown");
  assert.equal(window.has("a"), false);
  assert.equal(window.floorMs, -Infinity);
  assert.equal(window.size, 0);
});

Deno.test("ReplayWindow bounds what it is given at its start", () => {
  const entries = [3, 1, 2].map((second) => ({
    nonce: `nonce-${second}`,
    issuedAtMs: second * 1_000,
  }));
  const window = new ReplayWindow(entries, { maxEntries: 2 });
  assert.equal(window.size, 2);
  assert.equal(window.floorMs, 1_000);
  assert.equal(window.has("nonce-1"), false);
});

for (const maxEntries of [0, -1, NaN]) {
  Deno.test(`ReplayWindow refuses maxEntries of ${maxEntries}`, () => {
    assert.throws(() => new ReplayWindow([], { maxEntries }), RangeError);
  });
}

Deno.test("ReplayWindow knows every nonce above its floor, and stays bounded", () => {
  const step = fc.record({
    nonce: fc.integer({ min: 0, max: 60 }).map(String),
    issuedAtMs: fc.integer({ min: 0, max: 900_000 }),
    nowMs: fc.integer({ min: 0, max: 900_000 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const window = new ReplayWindow([], { maxEntries: 10 });
    const accepted = new Map<string, number>();
    for (const { nonce, issuedAtMs, nowMs } of steps) {
      if (issuedAtMs <= window.floorMs || window.has(nonce)) continue;
      window.remember(nonce, issuedAtMs, nowMs);
      accepted.set(nonce, issuedAtMs);
      assert(window.size <= 10);
      for (const [known, at] of accepted) {
        assert(window.has(known) || at <= window.floorMs, `${known} at ${at}`);
      }
    }
  }));
});
