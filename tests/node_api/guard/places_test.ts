import assert from "node:assert/strict";
import { Places } from "../../../src/node_api/guard/places.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("Places are as many as the setting says until descriptors are short, and half of those then, for 30 s", async () => {
  const clock = new FakeClock();
  const places = new Places(1_024, clock);
  assert.deepEqual([places.limit, places.areFew], [1_024, false]);
  places.shortage(101);
  assert.deepEqual([places.limit, places.areFew], [51, true]);
  // A shortage at more connections than that is nothing new.
  places.shortage(900);
  assert.equal(places.limit, 51);
  places.shortage(3);
  assert.equal(places.limit, 16);
  await clock.advance(29_999);
  assert.equal(places.limit, 16);
  await clock.advance(1);
  assert.deepEqual([places.limit, places.areFew], [1_024, false]);
});

Deno.test("Places are never more than the setting says", () => {
  const places = new Places(3, new FakeClock());
  places.shortage(1_000);
  assert.equal(places.limit, 3);
});
