import assert from "node:assert/strict";
import { watchContact } from "../../src/agent/watch_contact.ts";
import type { ContactSurface } from "../../src/agent/watch_contact.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("who hears that the control plane is back is who asked last: parts begin anew over one watch", () => {
  const contact = watchContact(new Degraded(new FakeClock(), new MemoryLog()));
  const heard: string[] = [];
  contact.onRegained(() => heard.push("former"));
  contact.onRegained(() => heard.push("present"));
  contact.heard("stream", undefined);
  assert.deepEqual(heard, ["present"]);
});

for (
  const [surface, kind, isWanted] of [
    ["stream", "unauthorized", true],
    ["pull", "unauthorized", true],
    ["heartbeat", "unauthorized", true],
    ["credentials", "unauthorized", false],
    ["pull", "forbidden", false],
  ] as const satisfies readonly [ContactSurface, string, boolean][]
) {
  Deno.test(
    `a node that hears "${kind}" of its ${surface} alone is told, and ${
      isWanted ? "wants" : "does not want"
    } to join anew`,
    () => {
      const wanted: boolean[] = [];
      const degraded = new Degraded(new FakeClock(), new MemoryLog());
      const contact = watchContact(degraded, {
        want: (is) => void wanted.push(is),
        nextTryMs: undefined,
        outcome: undefined,
      });
      for (const other of ["stream", "pull", "heartbeat"] as const) {
        contact.heard(other, undefined);
      }
      contact.heard(surface, new ControlError(kind, "no"));
      assert.equal(wanted.at(-1), isWanted);
      assert.deepEqual(degraded.list().map(({ reason }) => reason), [
        "unauthorized",
      ]);
      contact.heard(surface, undefined);
      assert.equal(wanted.at(-1), false);
      assert.deepEqual(degraded.list(), []);
    },
  );
}

Deno.test("a 401 of the bus does not hide that of the node itself", () => {
  const wanted: boolean[] = [];
  const contact = watchContact(
    new Degraded(new FakeClock(), new MemoryLog()),
    {
      want: (is) => void wanted.push(is),
      nextTryMs: undefined,
      outcome: undefined,
    },
  );
  const refusal = new ControlError("unauthorized", "no");
  contact.heard("credentials", refusal);
  contact.heard("pull", refusal);
  contact.heard("credentials", undefined);
  assert.deepEqual(wanted, [false, true, true]);
});
