import assert from "node:assert/strict";
import { parseActionRequest } from "../../src/wire/action_request.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";

function parse(members: string) {
  return parseActionRequest(`{"execution_id":"x","action":"a"${members}}`);
}

Deno.test("parseActionRequest() reads every member", () => {
  assert.deepEqual(
    parse(
      `,"parameters":{"n":1.50},"timeout":"1m30s","checksum":"sha256:00",` +
        `"triggered_by":{"type":"user","user_id":"u"},` +
        `"expires_at":"2026-03-01T12:00:00Z","node_id":"n_1","type":"hook"`,
    ),
    {
      executionId: "x",
      action: "a",
      parameters: `{"n":1.50}`,
      timeoutMs: 90_000,
      checksum: "sha256:00",
      triggeredBy: { type: "user", session_id: "", user_id: "u", email: "" },
      expiresAtMs: Date.parse("2026-03-01T12:00:00Z"),
      nodeId: "n_1",
    },
  );
});

const parameters = [
  ["", "{}"],
  [`,"parameters":null`, "{}"],
  [`,"parameters":{}`, "{}"],
  [`,"parameters":[1, {"a" : 2}]`, `[1, {"a" : 2}]`],
  [`,"parameters":12345678901234567890`, "12345678901234567890"],
  [`,"parameters":1,"parameters":2`, "2"],
] as const;
for (const [members, expected] of parameters) {
  Deno.test(`parseActionRequest() takes parameters as they came: "${members}"`, () => {
    assert.equal(parse(members).parameters, expected);
  });
}

for (const timeout of ["", "0s", "-5s", "soon", "1h1"]) {
  Deno.test(`parseActionRequest() takes the time "${timeout}" for none`, () => {
    const read = parse(`,"timeout":${JSON.stringify(timeout)}`);
    assert.equal(read.timeoutMs, undefined);
  });
}

const refused = [
  "null",
  "[]",
  "{}",
  `{"execution_id":"x"}`,
  `{"execution_id":"","action":"a"}`,
  `{"execution_id":"x\\u0000","action":"a"}`,
  `{"execution_id":"x","action":"a\\nb"}`,
  `{"execution_id":"\\ud800","action":"a"}`,
  `{"execution_id":"${"x".repeat(257)}","action":"a"}`,
  `{"execution_id":"x","action":"a","timeout":5}`,
  `{"execution_id":"x","action":"a","checksum":{}}`,
  `{"action":"a","execution_id":"x","expires_at":"tomorrow"}`,
];
for (const payload of refused) {
  Deno.test(`parseActionRequest() refuses ${payload.slice(0, 50)}`, () => {
    assert.throws(() => parseActionRequest(payload), ShapeError);
  });
}
