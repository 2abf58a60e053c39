import assert from "node:assert/strict";
import { BOOTSTRAP_TOKEN_2 } from "../../src/wire/dialect2/bodies.ts";
import {
  join2,
  PROJECT,
  register2,
  request2,
  TestNode2,
  token2,
} from "./dialect2_node.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

Deno.test("a token of dialect 2 makes a node of dialect 2", async () => {
  await using plane = await RunningPlane.start();
  const peer = await plane.join();
  const token = await token2(plane);
  assert.match(token, BOOTSTRAP_TOKEN_2);
  const request = request2(token);
  const { status, json } = await register2(plane, request);
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(json), [
    "node_id",
    "mesh_ip",
    "signing_public_key",
    "signing_key_id",
    "nsk",
    "peer_snapshot",
    "domain_mesh_cidr",
    "domain_id",
    "trust_root",
    "trust_bundle",
    "snapshots",
    "heartbeat_agent",
    "node_name",
    "domain_name",
  ]);
  assert.equal(json["domain_mesh_cidr"], "10.42.0.0/16");
  assert.equal(json["mesh_ip"], "10.42.0.2");
  assert.equal(json["domain_id"], peer.domainId);
  assert.deepEqual(
    (json["peer_snapshot"] as Record<string, unknown>[]).map((one) => [
      one["node_id"],
      one["mesh_ip"],
    ]),
    [[peer.id, "10.42.0.1"]],
  );
  const { json: node } = await plane.admin("GET", `/nodes/${json["node_id"]}`);
  assert.equal(node["dialect"], 2);
  assert.equal(node["hostname"], "web-1");
  assert.deepEqual(node["labels"], { project_id: PROJECT });
  assert.equal(node["public_key"], request["public_key"]);
});

Deno.test("a token may be for one project only", async () => {
  await using plane = await RunningPlane.start();
  const { json } = await plane.admin("POST", "/tokens", {
    dialect: 2,
    project_id: PROJECT.toUpperCase(),
  });
  const token = String(json["token"]);
  assert.match(token, BOOTSTRAP_TOKEN_2);
  const other = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c1";
  (await register2(plane, request2(token, { project_id: other })))
    .assertProblem(403, "project_mismatch");
  assert.equal((await register2(plane, request2(token))).status, 201);
  (await plane.admin("POST", "/tokens", { project_id: PROJECT }))
    .assertProblem(400, "malformed_body");
});

const FORM = "psb_dev_any_node_" + "a".repeat(52);

for (
  const { what, body, status, code } of [
    { what: "a member too many", body: { x: 1 }, code: "registration_invalid" },
    {
      what: "a member missing",
      body: { nonce: undefined },
      code: "registration_invalid",
    },
    {
      what: "a nonce too long",
      body: { nonce: "x".repeat(256) },
      code: "registration_invalid",
    },
    {
      what: "half a surrogate pair",
      body: { resource_handle: "\ud800" },
      code: "registration_invalid",
    },
    {
      what: "a resource handle too long",
      body: { resource_handle: "x".repeat(4097) },
      code: "registration_invalid",
    },
    {
      what: "a project that is no UUID",
      body: { project_id: "x" },
      code: "registration_invalid",
    },
    {
      what: "a token of dialect 1",
      body: { bootstrap_token: "plexd_join_x" },
      code: "registration_invalid",
    },
    {
      what: "a token for a bridge",
      body: { bootstrap_token: FORM.replace("_node_", "_bridge_") },
      status: 403,
      code: "kind_mismatch",
    },
    {
      what: "a token that nobody issued",
      body: { bootstrap_token: FORM },
      status: 403,
      code: "token_revoked",
    },
    {
      what: "a key that is none",
      body: { public_key: "x".repeat(44) },
      status: 400,
      code: "public_key_invalid",
    },
    {
      what: "a key of another length",
      body: { public_key: btoa("x".repeat(31)) },
      status: 400,
      code: "public_key_invalid",
    },
    {
      what: "a key with a line break",
      body: { public_key: newPublicKey() + "\n" },
      status: 400,
      code: "public_key_invalid",
    },
    {
      what: "a wish for a resource",
      body: { requested_resource_id: "x" },
      status: 404,
      code: "resource_not_found",
    },
  ]
) {
  Deno.test(`a registration with ${what} is refused, and the token stays good`, async () => {
    await using plane = await RunningPlane.start();
    const token = await token2(plane);
    (await register2(plane, request2(token, body)))
      .assertProblem(status ?? 422, code);
    assert.equal((await register2(plane, request2(token))).status, 201);
  });
}

Deno.test("a token that expired is refused", async () => {
  await using plane = await RunningPlane.start();
  const token = await token2(plane, { ttl: "1m" });
  await plane.clock.advance(60_000);
  (await register2(plane, request2(token)))
    .assertProblem(403, "token_expired");
});

Deno.test("a registration whose answer was lost is answered again, with a new key", async () => {
  await using plane = await RunningPlane.start();
  const request = request2(await token2(plane));
  const first = new TestNode2(plane, (await register2(plane, request)).json);
  await plane.clock.advance(599_999);
  const again = await register2(plane, request);
  assert.equal(again.status, 201);
  const second = new TestNode2(plane, again.json);
  assert.equal(second.id, first.id);
  (await first.call("GET", "/state")).assertProblem(401, "nsk_invalid");
  await second.state();
  // The first call has shown that the answer arrived.
  (await register2(plane, request)).assertProblem(403, "token_consumed");
});

Deno.test("a registration is not answered again after ten minutes", async () => {
  await using plane = await RunningPlane.start();
  const request = request2(await token2(plane));
  await register2(plane, request);
  await plane.clock.advance(600_000);
  (await register2(plane, request)).assertProblem(403, "token_consumed");
});

for (
  const { what, change, code } of [
    {
      what: "token with another nonce",
      change: { nonce: "other" },
      code: "token_consumed",
    },
    {
      what: "token with another key and nonce",
      change: { nonce: "other", public_key: newPublicKey() },
      code: "token_consumed",
    },
    {
      what: "nonce with another key",
      change: { public_key: newPublicKey() },
      code: "nonce_collision",
    },
  ]
) {
  Deno.test(`a ${what} answers ${code}`, async () => {
    await using plane = await RunningPlane.start();
    const request = request2(await token2(plane));
    await register2(plane, request);
    (await register2(plane, { ...request, ...change }))
      .assertProblem(403, code);
  });
}

Deno.test("a nonce with another token answers nonce_collision", async () => {
  await using plane = await RunningPlane.start();
  const request = request2(await token2(plane));
  await register2(plane, request);
  const bootstrap_token = await token2(plane);
  (await register2(plane, { ...request, bootstrap_token }))
    .assertProblem(403, "nonce_collision");
});

Deno.test("tokens are good for their own dialect only", async () => {
  await using plane = await RunningPlane.start();
  (await plane.register(await token2(plane)))
    .assertProblem(401, "token_invalid");
  const token = await token2(plane);
  // With a bearer a registration is one of dialect 1, whatever is in it.
  (await plane.call("POST", "/v1/register", {
    bearer: token,
    body: request2(token),
  })).assertProblem(400, "malformed_body");
});

Deno.test("neither token nor key is in the log", async () => {
  await using plane = await RunningPlane.start();
  const token = await token2(plane);
  const { json } = await register2(plane, request2(token));
  await join2(plane);
  const log = plane.log.text;
  assert.ok(!log.includes(token) && !log.includes(String(json["nsk"])));
});
