import assert from "node:assert/strict";
import { join2 } from "./dialect2_node.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

Deno.test("a revoked node is let in nowhere, and is nobody's peer", async () => {
  await using plane = await RunningPlane.start();
  const [one, two, peer] = [
    await plane.join(),
    await join2(plane),
    await plane.join(),
  ];
  const [open, hears] = [await two.events(), await peer.events()];
  for (const node of [one, two]) {
    assert.equal((await node.admin("POST", "/revoke")).status, 204);
    const { payload } = (await hears.nextOf("peer_removed")).envelope;
    assert.equal(JSON.parse(payload).peer_id, node.id);
  }
  while (await open.block() !== undefined); // its stream ends
  (await one.call("GET", "/state")).assertProblem(401, "unauthorized");
  (await two.call("GET", "/state")).assertProblem(401, "nsk_revoked");
  assert.deepEqual((await peer.call("GET", "/state")).json["peers"], []);
  const shown = await plane.admin("GET", `/nodes/${one.id}`);
  assert.ok(shown.json["revoked_at"]);
  await hears.close();
  const late = await plane.join();
  const ips = [one.meshIp, peer.meshIp, String(two.registration["mesh_ip"])];
  assert.ok(!ips.includes(late.meshIp), "a revoked node keeps its address");
});

Deno.test("revoking twice, or a node that is not there", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await plane.join(), await plane.join()];
  await node.admin("POST", "/revoke");
  const version = (await peer.call("GET", "/state")).json["state_version"];
  await node.admin("POST", "/revoke");
  assert.equal(
    (await peer.call("GET", "/state")).json["state_version"],
    version,
  );
  (await plane.admin("POST", "/nodes/n/revoke"))
    .assertProblem(404, "node_not_found");
  assert.equal((await node.admin("DELETE", "")).status, 204);
});

Deno.test("a node that was revoked before its first call cannot repeat its registration", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  const { json } = await plane.register(token, { public_key });
  await plane.admin("POST", `/nodes/${json["node_id"]}/revoke`);
  (await plane.register(token, { public_key }))
    .assertProblem(409, "token_consumed");
});
