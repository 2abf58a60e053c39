import assert from "node:assert/strict";
import { watchContact } from "../../src/agent/watch_contact.ts";
import { Degraded } from "../../src/sync/degraded.ts";
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
