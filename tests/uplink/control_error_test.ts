import assert from "node:assert/strict";
import {
  AFTER_FAILURE,
  type ControlFailure,
  failureOf,
} from "../../src/uplink/control_error.ts";
import { vectors } from "../vectors/load.ts";

/** The vectors name the class; here a class never ends a stream for good. */
const CLASS: Readonly<Record<string, string>> = {
  auth_stop: "auth",
  permanent_stop: "permanent",
};

function kindOf(status: number | string): ControlFailure {
  if (typeof status === "number") return failureOf(status);
  return status === "network" ? "unreachable" : "timeout";
}

for (const { status, stream, register } of vectors.error_classification) {
  Deno.test(`AFTER_FAILURE decides for status ${status} as the vector says`, () => {
    const decision = AFTER_FAILURE[kindOf(status)];
    assert.equal(decision.stream, CLASS[stream] ?? stream);
    if (register !== "n/a") assert.equal(decision.registration, register);
  });
}

for (const status of [301, 302, 307, 308, 402, 408, 410, 418, 422, 600]) {
  Deno.test(`failureOf() has no own kind for status ${status}`, () => {
    assert.equal(failureOf(status), "unexpected_status");
  });
}
