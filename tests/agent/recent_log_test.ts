import assert from "node:assert/strict";
import { RecentLog } from "../../src/agent/recent_log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const SECRET = "nsk-canary-1234567890";

Deno.test("RecentLog keeps the last lines of what counts", () => {
  const recent = new RecentLog(new FakeClock());
  recent.hear("debug", "Not this", {});
  for (let count = 1; count <= 305; count++) {
    recent.hear("info", "L", { count });
  }
  const lines = recent.lines([]);
  assert.equal(lines.length, 300);
  assert.match(lines[0]!, /Z info L count=6$/);
});

Deno.test("RecentLog tells no secret, nor a part of one", () => {
  const recent = new RecentLog(new FakeClock());
  for (let long = 940; long < 1_000; long++) {
    recent.hear("warn", "a".repeat(long), { secret: SECRET });
    recent.hear("warn", "a".repeat(long + 3_000), { secret: SECRET });
  }
  assert.doesNotMatch(recent.lines([SECRET]).join("\n"), /nsk-c|canary/);
});
