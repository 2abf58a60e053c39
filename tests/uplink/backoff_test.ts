import assert from "node:assert/strict";
import { backoffMs } from "../../src/uplink/backoff.ts";
import { vectors } from "../vectors/load.ts";

const { nominal_ms, min_ms, max_jittered_ms, base_ms, max_ms } =
  vectors.backoff;
const { multiplier, jitter } = vectors.backoff;

for (const [failures, nominal] of nominal_ms.entries()) {
  Deno.test(`backoffMs() steps ${nominal} ms after failure ${failures}, spread by a quarter`, () => {
    const options = { baseMs: base_ms, maxMs: max_ms };
    assert.equal(backoffMs(failures, () => 0.5, options), nominal);
    assert.equal(backoffMs(failures, () => 0, options), min_ms[failures]);
    assert.equal(
      backoffMs(failures, () => 1, options),
      max_jittered_ms[failures],
    );
    assert.equal(backoffMs(failures, () => 0.5), nominal, "by default");
  });
}

Deno.test("backoffMs() grows and spreads as the vector says", () => {
  assert.equal(backoffMs(0, () => 0.5), base_ms);
  assert.equal(backoffMs(1, () => 0.5) / base_ms, multiplier);
  assert.equal(backoffMs(0, () => 0) / base_ms, 1 - jitter);
  assert.equal(backoffMs(0, () => 1) / base_ms, 1 + jitter);
});

Deno.test("backoffMs() stays at its cap after very many failures", () => {
  assert.equal(backoffMs(5_000, () => 0.5), max_ms);
});
