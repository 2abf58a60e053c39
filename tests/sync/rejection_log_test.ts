import assert from "node:assert/strict";
import { RejectionLog } from "../../src/sync/rejection_log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("RejectionLog counts every refusal and tells of one a second for each reason", async () => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const heard: string[] = [];
  const rejections = new RejectionLog(
    clock,
    log,
    (reason, count) => heard.push(`${reason} ${count}`),
  );
  for (let n = 0; n < 5; n++) {
    rejections.add("signature", { cursor: String(n) });
    rejections.count("payload");
  }
  await clock.advance(1_000);
  rejections.add("signature");
  rejections.count("payload");
  assert.deepEqual(rejections.counts, { signature: 6, payload: 6 });
  const told = ["signature 1", "payload 1", "signature 6", "payload 6"];
  assert.deepEqual(heard, told);
  assert.deepEqual(log.lines.map(({ fields }) => fields), [
    { reason: "signature", count: 1, cursor: "0" },
    { reason: "signature", count: 6 },
  ]);
});
