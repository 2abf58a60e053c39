import assert from "node:assert/strict";
import { CallRates } from "../../src/control_plane/call_rates.ts";
import { ProblemError } from "../../src/control_plane/http/problem.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

function isRefused(rates: CallRates, node: string): string | undefined {
  try {
    rates.count(node);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    assert.deepEqual([error.status, error.code], [
      429,
      "per_node_rate_limited",
    ]);
    return error.headers["retry-after"];
  }
}

Deno.test("count() allows 30 calls at once, then one each second", async () => {
  const clock = new FakeClock();
  const rates = new CallRates(clock);
  for (let call = 0; call < 30; call++) rates.count("a");
  assert.equal(isRefused(rates, "a"), "1");
  await clock.advance(999);
  assert.equal(isRefused(rates, "a"), "1");
  await clock.advance(1);
  rates.count("a");
  assert.equal(isRefused(rates, "a"), "1");
});

Deno.test("count() gives the whole allowance back after a silence, and no more", async () => {
  const clock = new FakeClock();
  const rates = new CallRates(clock);
  for (let call = 0; call < 30; call++) rates.count("a");
  await clock.advance(3_600_000);
  for (let call = 0; call < 30; call++) rates.count("a");
  assert.equal(isRefused(rates, "a"), "1");
});

Deno.test("count() counts each node by itself, however many there are", () => {
  const rates = new CallRates(new FakeClock());
  for (let call = 0; call < 30; call++) rates.count("a");
  for (let node = 0; node < 10_100; node++) rates.count(`n${node}`);
  assert.equal(isRefused(rates, "a"), "1");
});
