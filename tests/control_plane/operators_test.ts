import assert from "node:assert/strict";
import { type Answer, RunningPlane } from "./running_plane.ts";

async function operator(
  plane: RunningPlane,
  name: string,
  scopes: readonly string[],
  ttl?: string,
): Promise<(method: string, path: string, body?: unknown) => Promise<Answer>> {
  const made = await plane.admin("POST", "/operators", {
    name,
    scopes,
    ...(ttl === undefined ? {} : { ttl }),
  });
  assert.equal(made.status, 201, made.text);
  const bearer = String(made.json["token"]);
  return (method, path, body) =>
    plane.call(method, `/admin/v1${path}`, { bearer, body });
}

/** One call that needs each scope, and how it ends when it is let in. */
const CALLS = {
  read: ["GET", "/nodes", undefined, 200],
  write: ["PUT", "/policies/p", { rules: [] }, 200],
  enrol: ["POST", "/tokens", {}, 201],
  keys: ["POST", "/signing-keys/rotate", {}, 200],
  admin: ["GET", "/operators", undefined, 200],
} as const;

for (const [scope] of Object.entries(CALLS)) {
  Deno.test(`a token for "${scope}" is good for that${scope === "admin" ? " and everything else" : " only"}`, async () => {
    await using plane = await RunningPlane.start();
    const call = await operator(plane, "one", [scope]);
    for (
      const [needed, [method, path, body, status]] of Object.entries(CALLS)
    ) {
      const answer = await call(method, path, body);
      if (scope === "admin" || needed === scope) {
        assert.equal(answer.status, status, answer.text);
      } else {
        answer.assertProblem(403, "insufficient_scope");
      }
    }
  });
}

Deno.test("an operator is listed without the token, named in the audit log, and removed", async () => {
  await using plane = await RunningPlane.start();
  const call = await operator(plane, "ci", ["write", "read"], "1h");
  await call("PUT", "/policies/p", { rules: [] });
  const { json, text } = await plane.admin("GET", "/operators");
  assert.deepEqual(
    (json["operators"] as Record<string, unknown>[]).map((
      { created_at: _at, ...one },
    ) => one),
    [
      { name: null, scopes: ["admin"], expires_at: null },
      {
        name: "ci",
        scopes: ["read", "write"],
        expires_at: new Date(plane.clock.now() + 3_600_000).toISOString(),
      },
    ],
  );
  assert.ok(!text.includes("plexd_admin_"));
  const audit = (await plane.admin("GET", "/audit")).json["audit"] as Record<
    string,
    unknown
  >[];
  assert.equal(audit[0]!["subject"], "admin:ci");
  assert.equal(audit[1]!["relation"], "operator.create");
  assert.equal(audit[1]!["subject"], "admin");
  assert.equal((await plane.admin("DELETE", "/operators/ci")).status, 204);
  (await call("GET", "/nodes")).assertProblem(401, "unauthorized");
  (await plane.admin("DELETE", "/operators/ci"))
    .assertProblem(404, "operator_not_found");
});

Deno.test("a token of an operator ends with its time, and over restarts", async () => {
  await using plane = await RunningPlane.start();
  const call = await operator(plane, "ci", ["read"], "1h");
  await plane.restart();
  assert.equal((await call("GET", "/nodes")).status, 200);
  await plane.clock.advance(3_600_000);
  (await call("GET", "/nodes")).assertProblem(401, "unauthorized");
});

for (
  const body of [
    {},
    { name: "a", scopes: [] },
    { name: "a", scopes: ["root"] },
    { name: "", scopes: ["read"] },
    { name: "A", scopes: ["read"] },
    { name: "a", scopes: ["read"], ttl: "0s" },
    // There is no date for its end: the list of operators would fail for ever.
    { name: "a", scopes: ["read"], ttl: "100000000d" },
    { name: "a", scopes: ["read"], ttl: 5 },
  ]
) {
  Deno.test(`an operator ${JSON.stringify(body)} is refused`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.admin("POST", "/operators", body))
      .assertProblem(400, "malformed_body");
  });
}

Deno.test("two operators of one name are refused", async () => {
  await using plane = await RunningPlane.start();
  await operator(plane, "ci", ["read"]);
  (await plane.admin("POST", "/operators", { name: "ci", scopes: ["read"] }))
    .assertProblem(409, "operator_exists");
});

Deno.test("durations of operators are kept in whole milliseconds", async () => {
  await using plane = await RunningPlane.start();
  const calls = [
    ["/operators", { name: "a", scopes: ["read"], ttl: "1.5ms" }],
    ["/tokens", { ttl: "0.0001s" }],
    ["/signing-keys/rotate", { transition: "0.4ms" }],
  ] as const;
  for (const [path, body] of calls) {
    const answer = await plane.admin("POST", path, body);
    assert.ok(answer.status < 300, `${path} ${answer.text}`);
  }
  // Rounded to nothing, it would have revoked the key that retires.
  const { json } = await plane.admin("GET", "/signing-keys");
  const keys = json["signing_keys"] as { state: string }[];
  assert.deepEqual(keys.map(({ state }) => state), ["transition", "current"]);
});
