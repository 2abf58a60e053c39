import assert from "node:assert/strict";
import { rejectionNotes } from "../../src/agent/rejection_notes.ts";

Deno.test("a rejected action is noted once for each reason, and not without end", () => {
  const noted: unknown[] = [];
  const note = rejectionNotes({
    note: (type, details) => noted.push([type, details?.reason]),
  });
  const one = { action: "a", reason: "actions_disabled" };
  note({ ...one, execution_id: "e1" });
  note({ ...one, execution_id: "e2" });
  note({ ...one, reason: "unknown_action", execution_id: "e3" });
  assert.deepEqual(noted, [
    ["rejected", "a: actions_disabled (e1)"],
    ["rejected", "a: unknown_action (e3)"],
  ]);
  for (let at = 0; at < 100; at++) note({ ...one, action: `b${at}` });
  assert.equal(noted.length, 64);
});
