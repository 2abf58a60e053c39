import assert from "node:assert/strict";
import fc from "fast-check";
import { compareEntries } from "../../src/agent/compare_entries.ts";

const maps = fc.array(
  fc.tuple(fc.constantFrom(..."abcdefgh"), fc.integer({ min: 1, max: 3 })),
).map((pairs) => new Map(pairs));

Deno.test("compareEntries() tells what leads from one map to the other, once each", () => {
  fc.assert(fc.property(maps, maps, (before, after) => {
    const changes = [...compareEntries(before, after)];
    const made = new Map(before);
    for (const { change, key, entry } of changes) {
      assert.equal(change !== "added", before.has(key));
      assert.equal(change !== "removed", after.has(key));
      if (change === "removed") {
        assert.equal(entry, before.get(key));
        made.delete(key);
      } else {
        assert.notEqual(entry, before.get(key));
        made.set(key, entry);
      }
    }
    assert.deepEqual(new Map([...made].sort()), new Map([...after].sort()));
    assert.equal(new Set(changes.map(({ key }) => key)).size, changes.length);
  }));
});
