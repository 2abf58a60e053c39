import assert from "node:assert/strict";
import { machineClock } from "../../src/client/mod.ts";

Deno.test("what is longer than a timer can count is not over at once", async () => {
  for (const ms of [Infinity, 2 ** 31, 999_999_999_000]) {
    const given = new AbortController();
    const waiting = machineClock.sleep(ms, given.signal);
    // A timer that does not fit is due in a millisecond, before this one.
    await machineClock.sleep(5, new AbortController().signal);
    given.abort(new Error("given up"));
    await assert.rejects(waiting, /given up/);
  }
});
