import assert from "node:assert/strict";
import { watchContact } from "../../src/agent/watch_contact.ts";
import type { ContactSurface } from "../../src/agent/watch_contact.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { ControlError, failureOf } from "../../src/uplink/control_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** A watch, with what it says about joining anew. */
function watched() {
  const wanted: boolean[] = [];
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  const contact = watchContact(degraded, {
    want: (is) => void wanted.push(is),
    nextTryMs: undefined,
    outcome: undefined,
  });
  return { contact, degraded, wanted };
}

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
      const { contact, degraded, wanted } = watched();
      for (const other of ["stream", "pull", "heartbeat"] as const) {
        contact.heard(other, undefined);
      }
      const noted = { correlationId: "c-1" };
      contact.heard(surface, new ControlError(kind, "no", noted));
      assert.equal(wanted.at(-1), isWanted);
      assert.deepEqual(
        degraded.list().map(({ reason, detail }) => [reason, detail]),
        [["unauthorized", "no [correlation id c-1]"]],
      );
      contact.heard(surface, undefined);
      assert.equal(wanted.at(-1), false);
      assert.deepEqual(degraded.list(), []);
    },
  );
}

Deno.test("a 401 of the bus does not hide that of the node itself", () => {
  const { contact, wanted } = watched();
  const refusal = new ControlError("unauthorized", "no");
  contact.heard("credentials", refusal);
  contact.heard("pull", refusal);
  contact.heard("credentials", undefined);
  assert.deepEqual(wanted, [false, true, true]);
});

function answered(status: number): ControlError {
  return new ControlError(failureOf(status), "no", { status });
}

for (
  const [status, isOver] of [
    [501, true],
    [404, true],
    [400, true],
    [500, false],
    [503, false],
    [429, false],
    [408, false],
    [302, false],
  ] as const
) {
  Deno.test(
    `a 401 to the stream is ${
      isOver ? "over" : "not over"
    } with an answer ${status}`,
    () => {
      const { contact, degraded, wanted } = watched();
      contact.heard("stream", answered(401));
      // What another call is answered says nothing about this one.
      contact.heard("pull", answered(status));
      assert.equal(wanted.at(-1), true);
      contact.heard("pull", undefined);
      contact.heard("stream", answered(status));
      assert.equal(wanted.at(-1), !isOver);
      const reasons = degraded.list().map(({ reason }) => reason);
      assert.deepEqual(reasons, isOver ? [] : ["unauthorized"]);
    },
  );
}

Deno.test("a control plane that takes no heartbeats is there, one that gives no state is not", () => {
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  const contact = watchContact(degraded);
  const reasons = () => degraded.list().map(({ reason }) => reason);
  contact.heard("heartbeat", answered(501));
  assert.deepEqual(reasons(), []);
  contact.heard("heartbeat", answered(503));
  assert.deepEqual(reasons(), ["control_plane_unreachable"]);
  contact.heard("heartbeat", undefined);
  contact.heard("pull", answered(501));
  assert.deepEqual(reasons(), ["control_plane_unreachable"]);
});
