import assert from "node:assert/strict";
import { watchEquivocation } from "../../src/agent/watch_equivocation.ts";
import { type Marks, NO_MARKS } from "../../src/store/trust_marks.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { RefusedStateError } from "../../src/sync/pulled_state.ts";
import { RefusedSnapshotError } from "../../src/trust/verify_snapshot.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** One run of an agent after the other, with the marks of all of them. */
class Runs {
  marks: Marks = NO_MARKS;
  saves = 0;
  position = { epoch: 1, version: 5 };

  start() {
    const degraded = new Degraded(new FakeClock(), new MemoryLog());
    const heard = watchEquivocation(degraded, () => this.position, {
      load: () => this.marks,
      save: (marks) => {
        this.saves++;
        this.marks = marks;
      },
    });
    const reasons = () => degraded.list().map((one) => one.reason);
    return { heard, reasons };
  }
}

Deno.test("watchEquivocation() shows two things under one number until the next number", () => {
  const runs = new Runs();
  const { heard, reasons } = runs.start();
  heard(undefined);
  heard(new RefusedStateError("rolled_back", "it is older"));
  assert.deepEqual(reasons(), []);
  assert.equal(runs.saves, 0, "a good control plane costs no write");
  heard(new RefusedStateError("equivocation", "it differs"));
  heard(undefined);
  heard(new ControlError("unreachable", "no route"));
  assert.deepEqual(reasons(), ["equivocation"], "saying the first thing again");
  runs.position = { epoch: 1, version: 6 };
  heard(undefined);
  assert.deepEqual(reasons(), []);
});

Deno.test("watchEquivocation() shows it across restarts, for signed states too", () => {
  const runs = new Runs();
  runs.marks = {
    ...NO_MARKS,
    snapshot: { epoch: 1, version: 4, contentSha256: "x" },
  };
  const first = runs.start();
  const failure = new RefusedSnapshotError("equivocation", "it differs");
  first.heard(failure);
  first.heard(failure);
  assert.equal(runs.saves, 1);
  assert.deepEqual(runs.marks.disputed, { epoch: 1, version: 4 });
  const second = runs.start();
  assert.deepEqual(second.reasons(), ["equivocation"]);
  runs.position = { epoch: 1, version: 4 };
  second.heard(undefined);
  assert.deepEqual(second.reasons(), ["equivocation"]);
  runs.position = { epoch: 1, version: 5 };
  second.heard(undefined);
  assert.deepEqual(second.reasons(), []);
  assert.deepEqual(runs.start().reasons(), []);
  assert.equal(runs.marks.snapshot?.version, 4);
});
