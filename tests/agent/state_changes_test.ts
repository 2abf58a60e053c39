import assert from "node:assert/strict";
import { MOST_LISTED, stateChanges } from "../../src/agent/state_changes.ts";
import {
  applyChange,
  EMPTY_STATE,
  type StateParts,
} from "../../src/store/state_view.ts";

const before = applyChange(EMPTY_STATE, {
  metadata: new Map([["region", "eu"], ["zone", "a"]]),
  secretRefs: [{ key: "pw", version: 1 }, { key: "old", version: 4 }],
});

Deno.test("stateChanges() names what was added, changed and removed, without values", () => {
  const after = applyChange(before, {
    metadata: new Map([["region", "canary"], ["zone", "a"], [
      "rack",
      "canary",
    ]]),
    secretRefs: [{ key: "pw", version: 2 }],
  });
  const { listed, total } = stateChanges(before, after);
  assert.deepEqual(listed, [
    { kind: "metadata", key: "rack", change: "added" },
    { kind: "metadata", key: "region", change: "changed" },
    { kind: "secret", key: "old", change: "removed" },
    { kind: "secret", key: "pw", change: "changed", version: 2 },
  ]);
  assert.equal(total, 4);
  assert.doesNotMatch(JSON.stringify(listed), /canary/);
});

Deno.test("stateChanges() finds nothing in a state that was pulled again", () => {
  const again = applyChange(before, { secretRefs: [...before.secretRefs] });
  assert.equal(stateChanges(before, again).total, 0);
});

Deno.test("stateChanges() lists some and counts all", () => {
  const metadata = new Map(
    Array.from({ length: MOST_LISTED + 5 }, (_, at) => [`k${at}`, "v"]),
  );
  const full: StateParts = applyChange(EMPTY_STATE, { metadata });
  const { listed, total } = stateChanges(EMPTY_STATE, full);
  assert.deepEqual([listed.length, total], [MOST_LISTED, MOST_LISTED + 5]);
});
