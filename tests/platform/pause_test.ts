import assert from "node:assert/strict";
import { pause } from "../../src/platform/pause.ts";

Deno.test("pause() returns, and lets nothing else run meanwhile", async () => {
  let ran = false;
  const other = Promise.resolve().then(() => {
    ran = true;
  });
  pause(1);
  assert.equal(ran, false);
  await other;
});
