import assert from "node:assert/strict";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { newPublicKey, RunningPlane, type TestNode } from "./running_plane.ts";

async function pull(node: TestNode) {
  const answer = await node.call("GET", "/state");
  assert.equal(answer.status, 200, answer.text);
  return parseStateDocument(answer.text);
}

async function version(node: TestNode): Promise<number> {
  return (await pull(node)).position!.version;
}

/** The payload of the next event, which must be of a type. */
async function nextPayload(node: TestNode, type: string, after: string) {
  const stream = await node.events(after);
  const frame = await stream.next();
  await stream.close();
  assert.equal(frame.event, type);
  return JSON.parse(frame.envelope.payload);
}

function rotate(node: TestNode, body: unknown) {
  return node.plane.call("POST", "/v1/keys/rotate", {
    bearer: node.secretKey,
    body,
  });
}

Deno.test("a node that joins is told to the others of its domain, and counts for them", async () => {
  await using plane = await RunningPlane.start();
  const [first, foreign] = [await plane.join(), await plane.join("else")];
  const second = await plane.join();
  const { peers, position } = await pull(first);
  assert.equal(position?.version, 2);
  assert.deepEqual(peers.map(({ id }) => id), [second.id]);
  const payload = await nextPayload(first, "peer_added", "0");
  assert.deepEqual(payload, {
    domain_id: first.domainId,
    id: second.id,
    public_key: peers[0]?.publicKey,
    mesh_ip: second.meshIp,
    endpoint: "",
    allowed_ips: [`${second.meshIp}/32`],
  });
  assert.deepEqual([await version(second), await version(foreign)], [1, 1]);
  for (
    const { node, events } of [
      { node: second, events: [] },
      { node: foreign, events: [] },
    ]
  ) {
    assert.deepEqual(
      (await node.admin("GET", "/events")).json["events"],
      events,
    );
  }
});

Deno.test("a registration that is repeated is told once", async () => {
  await using plane = await RunningPlane.start();
  const first = await plane.join();
  const token = await plane.token();
  const public_key = newPublicKey();
  await plane.register(token, { public_key });
  await plane.register(token, { public_key });
  assert.equal(await version(first), 2);
});

for (const how of ["deregisters", "is removed"]) {
  Deno.test(`a node that ${how} is told to its peers, and its address is free`, async () => {
    await using plane = await RunningPlane.start();
    const first = await plane.join();
    const second = await plane.join();
    const stream = await second.events();
    if (how === "deregisters") {
      assert.equal((await second.call("POST", "/deregister")).status, 204);
    } else {
      await second.admin("DELETE", "");
    }
    assert.equal(await lastBlock(stream), undefined);
    const payload = await nextPayload(first, "peer_removed", "1");
    assert.deepEqual(payload, {
      domain_id: first.domainId,
      peer_id: second.id,
    });
    const { peers, position } = await pull(first);
    assert.deepEqual([peers, position?.version], [[], 3]);
    (await second.call("POST", "/deregister"))
      .assertProblem(401, "unauthorized");
    (await plane.admin("GET", `/nodes/${second.id}`))
      .assertProblem(404, "node_not_found");
    assert.equal((await plane.join()).meshIp, second.meshIp);
  });
}

async function lastBlock(stream: { block(): Promise<string | undefined> }) {
  for (;;) {
    const block = await stream.block();
    if (!block?.startsWith(":")) return block;
  }
}

Deno.test("keys/rotate gives a node a new key, once for the same one", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await plane.join(), await plane.join()];
  const body = { node_id: node.id, new_public_key: newPublicKey() };
  const answers = [await rotate(node, body), await rotate(node, body)];
  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  assert.equal(answers[0]?.text, answers[1]?.text);
  const updated = answers[0]?.json["updated_peers"] as { id: string }[];
  assert.deepEqual(updated.map(({ id }) => id), [peer.id]);
  const { peers, position } = await pull(peer);
  assert.equal(peers[0]?.publicKey, body.new_public_key);
  assert.equal(position?.version, 2);
  const payload = await nextPayload(peer, "peer_key_rotated", "1");
  assert.equal(payload.id, node.id);
  assert.equal(payload.public_key, body.new_public_key);
  assert.equal(payload.psk, undefined);
  const rotations = (await plane.admin("GET", "/audit")).json["audit"] as {
    relation: string;
  }[];
  assert.equal(
    rotations.filter(({ relation }) => relation === "node.rotate_keys").length,
    1,
  );
});

Deno.test("keys/rotate refuses another node's id and what is no key", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const new_public_key = newPublicKey();
  (await rotate(node, { node_id: other.id, new_public_key }))
    .assertProblem(403, "node_id_mismatch");
  for (const bad of ["k", newPublicKey().slice(4), `${new_public_key}=`]) {
    (await rotate(node, { node_id: node.id, new_public_key: bad }))
      .assertProblem(400, "public_key_invalid");
  }
  (await plane.call("POST", "/v1/keys/rotate", { body: {} }))
    .assertProblem(401, "unauthorized");
});

Deno.test("keys/rotate ends the hint, unless it repeats an earlier rotation", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const hint = async () =>
    (await node.call("POST", "/heartbeat", {
      node_id: node.id,
      timestamp: "t",
      status: "s",
      uptime: "1s",
      binary_checksum: "",
    })).json["rotate_keys"];
  const body = { node_id: node.id, new_public_key: newPublicKey() };
  await node.admin("POST", "/rotate-keys");
  assert.equal(await hint(), true);
  await rotate(node, body);
  assert.equal(await hint(), false);
  await node.admin("POST", "/rotate-keys");
  await rotate(node, body);
  assert.equal(await hint(), true);
});

Deno.test("an endpoint is told to peers when it changes, and answered with theirs", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await plane.join(), await plane.join()];
  const report = (from: TestNode, public_endpoint: string) =>
    from.call("PUT", "/endpoint", { public_endpoint, nat_type: "full_cone" });
  const first = await report(node, "192.0.2.1:51820");
  assert.deepEqual(first.json, { peer_endpoints: [] });
  const payload = await nextPayload(peer, "peer_endpoint_changed", "1");
  assert.deepEqual([payload.id, payload.endpoint], [
    node.id,
    "192.0.2.1:51820",
  ]);
  const { peers, position } = await pull(peer);
  assert.equal(peers[0]?.endpoint, "192.0.2.1:51820");
  assert.equal(position?.version, 2);
  const before = await version(node);
  await report(node, "192.0.2.1:51820");
  assert.equal(await version(peer), 2);
  const answer = await report(peer, "[2001:db8::7]:51820");
  assert.deepEqual(answer.json, {
    peer_endpoints: [{ peer_id: node.id, endpoint: "192.0.2.1:51820" }],
  });
  assert.equal(await version(node), before + 1);
});
