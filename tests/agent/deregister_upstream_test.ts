import assert from "node:assert/strict";
import {
  deregisterUpstream,
  DeregistrationError,
} from "../../src/agent/deregister_upstream.ts";
import {
  ControlError,
  type ControlFailure,
} from "../../src/uplink/control_error.ts";
import { failureFrom } from "../uplink/serve.ts";

const { signal } = new AbortController();

function failing(kind: ControlFailure) {
  return {
    deregister: () => Promise.reject(new ControlError(kind, `It is ${kind}`)),
  };
}

const outcomes: [ControlFailure, DeregistrationError["kind"] | "gone"][] = [
  ["unauthorized", "gone"],
  ["not_found", "gone"],
  ["forbidden", "refused"],
  ["unsupported", "refused"],
  ["bad_request", "refused"],
  ["conflict", "refused"],
  ["unreachable", "unavailable"],
  ["timeout", "unavailable"],
  ["server", "unavailable"],
  ["rate_limited", "unavailable"],
  ["bad_answer", "unavailable"],
  ["unexpected_status", "unavailable"],
];

for (const [kind, outcome] of outcomes) {
  Deno.test(`a deregistration that fails as ${kind} is ${outcome}`, async () => {
    const uplink = failing(kind);
    if (outcome === "gone") {
      const note = await deregisterUpstream(uplink, false, signal);
      assert.match(note, /did not know this node any more/);
      return;
    }
    const failure = await failureFrom(
      deregisterUpstream(uplink, false, signal),
    );
    assert.ok(failure instanceof DeregistrationError);
    assert.equal(failure.kind, outcome);
    const note = await deregisterUpstream(uplink, true, signal);
    assert.match(note, new RegExp(`still lists this node: It is ${kind}`));
  });
}

for (const kind of ["unauthorized", "not_found"] as const) {
  Deno.test(`a web page that says ${kind} knows nothing of the node`, async () => {
    const page = new ControlError(kind, `It is ${kind}`, { isPage: true });
    const uplink = { deregister: () => Promise.reject(page) };
    const failure = await failureFrom(
      deregisterUpstream(uplink, false, signal),
    );
    assert.ok(failure instanceof DeregistrationError);
    assert.equal(failure.kind, "unavailable");
    const note = await deregisterUpstream(uplink, true, signal);
    assert.match(note, /still lists this node/);
  });
}

Deno.test("a deregistration that works leaves nothing to say", async () => {
  const uplink = { deregister: () => Promise.resolve() };
  assert.equal(await deregisterUpstream(uplink, false, signal), "");
});

Deno.test("one that was given up is no failure that --force passes over", async () => {
  const stopped = new Error("stopped");
  const uplink = { deregister: () => Promise.reject(stopped) };
  const failure = await failureFrom(deregisterUpstream(uplink, true, signal));
  assert.equal(failure, stopped);
});
