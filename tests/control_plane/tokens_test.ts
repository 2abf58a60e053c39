import assert from "node:assert/strict";
import { RunningPlane } from "./running_plane.ts";

Deno.test("tokens are listed by names that nobody can join with", async () => {
  await using plane = await RunningPlane.start();
  const made = await plane.admin("POST", "/tokens", { ttl: "10m" });
  const { token, token_id, domain_id, expires_at } = made.json;
  const { json, text } = await plane.admin("GET", "/tokens");
  assert.deepEqual(json["tokens"], [
    { token_id, domain_id, expires_at, used_at: null, node_id: null },
  ]);
  assert.ok(!text.includes(String(token)));
  (await plane.register(String(token_id)))
    .assertProblem(401, "token_invalid");
  const joined = await plane.register(String(token));
  const after = (await plane.admin("GET", "/tokens")).json["tokens"];
  assert.deepEqual(after, [{
    token_id,
    domain_id,
    expires_at,
    used_at: new Date(plane.clock.now()).toISOString(),
    node_id: joined.json["node_id"],
  }]);
});

Deno.test("a token that is ended lets nobody in, and is audited", async () => {
  await using plane = await RunningPlane.start();
  const { token, token_id } = (await plane.admin("POST", "/tokens", {})).json;
  const path = `/tokens/${token_id}`;
  assert.equal((await plane.admin("DELETE", path)).status, 204);
  (await plane.register(String(token))).assertProblem(401, "token_invalid");
  (await plane.admin("DELETE", path)).assertProblem(404, "token_not_found");
  const audit = (await plane.admin("GET", "/audit")).json["audit"];
  const [row] = audit as Record<string, unknown>[];
  assert.equal(row!["relation"], "token.remove");
  assert.equal(row!["object"], `token:${token_id}`);
});
