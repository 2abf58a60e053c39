import assert from "node:assert/strict";
import { actionAfter, type Surface } from "../../src/uplink/after_failure.ts";
import {
  ControlError,
  type ControlFailure,
  failureOf,
} from "../../src/uplink/control_error.ts";
import { vectors } from "../vectors/load.ts";

const DIALECTS = [1, 2] as const;

/** The vectors name the class; here a class never ends a stream for good. */
const CLASS: Readonly<Record<string, string>> = {
  auth_stop: "auth",
  permanent_stop: "permanent",
};

function answered(status: number, code?: string | null): ControlError {
  const details = code ? { status, code } : { status };
  return new ControlError(failureOf(status), "no", details);
}

function failed(status: number | string): ControlError {
  if (typeof status === "number") return answered(status);
  return new ControlError(
    status === "network" ? "unreachable" : "timeout",
    "no",
  );
}

for (const { status, stream, register } of vectors.error_classification) {
  Deno.test(`actionAfter() in dialect 1 takes status ${status} as the vector says`, () => {
    const error = failed(status);
    assert.equal(actionAfter("events", error, 1), CLASS[stream] ?? stream);
    if (register === "n/a") return;
    assert.equal(actionAfter("register", error, 1), register);
  });
}

for (const vector of vectors.error_classification_dialect2) {
  const { surface, status, code, action } = vector;
  Deno.test(`actionAfter() in dialect 2 answers ${status} ${code ?? "without a code"} on ${surface} with ${action}`, () => {
    const error = answered(status, code);
    assert.equal(actionAfter(surface as Surface, error, 2), action);
  });
}

Deno.test("actionAfter() knows no pull-only mode in dialect 1", () => {
  const error = answered(501, "signed_event_bus_not_provisioned");
  assert.equal(actionAfter("events", error, 1), "transient");
  assert.equal(actionAfter("state", error, 1), "transient");
});

Deno.test("actionAfter() takes another 501 of dialect 2 for transient", () => {
  for (const code of [undefined, "reports_not_provisioned", "unheard_of"]) {
    assert.equal(actionAfter("events", answered(501, code), 2), "transient");
    assert.equal(actionAfter("state", answered(501, code), 2), "transient");
  }
});

Deno.test("actionAfter() lets only 429, 5xx and the network repeat a registration in dialect 2", () => {
  const repeated: ControlFailure[] = ["server", "unreachable", "timeout"];
  for (const status of [400, 401, 403, 404, 408, 409, 410, 413, 415, 422]) {
    assert.equal(actionAfter("register", answered(status), 2), "stop");
  }
  for (const kind of repeated) {
    const error = new ControlError(kind, "no");
    assert.equal(actionAfter("register", error, 2), "transient");
  }
  assert.equal(actionAfter("register", answered(429), 2), "rate_limited");
});

Deno.test("actionAfter() never has samples kept that nobody will ever take", () => {
  for (const dialect of DIALECTS) {
    for (const status of [400, 403, 404, 409, 410, 415, 422, 499, 501]) {
      assert.equal(actionAfter("metrics", answered(status), dialect), "drop");
    }
    for (const status of [301, 302, 307, 401, 408, 500, 503, 504]) {
      assert.equal(
        actionAfter("metrics", answered(status), dialect),
        "transient",
      );
    }
  }
});

Deno.test("actionAfter() takes a failure on this side for transient", () => {
  const error = new Error("disk full");
  for (const dialect of DIALECTS) {
    assert.equal(actionAfter("events", error, dialect), "transient");
    assert.equal(actionAfter("secret", error, dialect), "local_503");
  }
});

for (const kind of ["forbidden", "not_found"] as const) {
  Deno.test(`a web page that says ${kind} says nothing of a secret`, () => {
    const page = new ControlError(kind, "a page", { isPage: true });
    assert.equal(actionAfter("secret", page, 1), "local_503");
  });
}
