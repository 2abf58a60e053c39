import assert from "node:assert/strict";
import {
  ChangeFeed,
  CHANGES_KEPT,
  MOST_AT_ONCE,
  type NotedChange,
} from "../../../src/node_api/watch/change_feed.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const feed = () => new ChangeFeed(new FakeClock(), systemRandom);

function report(key: string, version = 1): NotedChange {
  return { kind: "report", key, version, change: "added", origin: "local" };
}

function many(count: number): NotedChange[] {
  return Array.from({ length: count }, (_, at) => report(`k${at}`));
}

Deno.test("ChangeFeed keeps what was noted, with its time, in order", () => {
  const changes = feed();
  changes.note([report("a"), report("b", 2)]);
  assert.equal(changes.last, 2);
  assert.deepEqual(JSON.parse(changes.get(2).json), {
    kind: "report",
    key: "b",
    version: 2,
    change: "added",
    origin: "local",
    at: "2026-03-01T12:00:00.000Z",
  });
});

Deno.test("ChangeFeed lets a reader go on where it has stopped", () => {
  const changes = feed();
  changes.note([report("a"), report("b")]);
  assert.deepEqual(changes.startAt(changes.positionOf(1)), { seq: 1 });
  assert.deepEqual(changes.startAt(changes.positionOf(0)), { seq: 0 });
  assert.deepEqual(changes.startAt(changes.positionOf(2)), { seq: 2 });
});

Deno.test("ChangeFeed takes no position of another run for its own", () => {
  const [before, after] = [feed(), feed()];
  before.note([report("a")]);
  after.note([report("b"), report("c")]);
  assert.deepEqual(after.startAt(before.positionOf(1)), {
    seq: 2,
    reset: "restarted",
  });
});

Deno.test("ChangeFeed has a reader start over that names no position of it", () => {
  const changes = feed();
  changes.note([report("a")]);
  const own = changes.positionOf(1).slice(0, -1);
  for (
    const text of ["", "1", own, `${own}2`, `${own}01`, `${own}-1`, `${own}1x`]
  ) {
    assert.deepEqual(changes.startAt(text), {
      seq: 1,
      reset: "unknown_position",
    }, text);
  }
});

Deno.test("ChangeFeed remembers its latest changes and no more", () => {
  const changes = feed();
  for (const change of many(CHANGES_KEPT)) changes.note([change]);
  const first = changes.positionOf(0);
  assert.deepEqual(changes.startAt(first), { seq: 0 });
  assert.equal(changes.get(1).key, "k0");
  changes.note([report("one more")]);
  assert.deepEqual(changes.startAt(first), {
    seq: CHANGES_KEPT + 1,
    reset: "too_old",
  });
  assert.deepEqual(changes.startAt(changes.positionOf(1)), { seq: 1 });
  assert.equal(changes.get(2).key, "k1");
  assert.equal(changes.get(CHANGES_KEPT + 1).key, "one more");
});

Deno.test("ChangeFeed tells as one what is too much at once", () => {
  const changes = feed();
  changes.note([report("a")]);
  changes.note(many(MOST_AT_ONCE));
  assert.equal(changes.skippedTo, 0);
  changes.note(many(MOST_AT_ONCE + 1));
  assert.equal(changes.skippedTo, changes.last);
  assert.deepEqual(changes.startAt(changes.positionOf(1)), {
    seq: changes.last,
    reset: "too_many_changes",
  });
  const after = changes.last;
  changes.note([report("b")]);
  assert.deepEqual(changes.startAt(changes.positionOf(after)), { seq: after });
  assert.equal(changes.get(after + 1).key, "b");
});

Deno.test("ChangeFeed says nothing when nothing has changed", () => {
  const changes = feed();
  let heard = 0;
  const stop = changes.onChange(() => heard++);
  changes.note([]);
  assert.equal(heard, 0);
  changes.note([report("a"), report("b")]);
  assert.equal(heard, 1);
  stop();
  changes.note([report("c")]);
  assert.equal(heard, 1);
});
