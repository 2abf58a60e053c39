import assert from "node:assert/strict";
import { KEEP_ALIVE_MS } from "../../src/control_plane/event_stream.ts";
import { parseEnvelope2 } from "../../src/wire/dialect2/parse_envelope2.ts";
import { settle } from "../fakes/fake_clock.ts";
import { agentOf2, join2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";
import { agentOf } from "./verifying_agent.ts";

Deno.test("events of dialect 2 are signed, scoped and named by key", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  await node.admin("PUT", "/metadata/a", { value: "secret-free" });
  const frame = await stream.next();
  const envelope = parseEnvelope2(frame.data);
  assert.deepEqual(Object.keys(JSON.parse(frame.data)), [
    "id",
    "type",
    "scope",
    "key_id",
    "issued_at",
    "payload",
    "signature",
  ]);
  assert.equal(frame.event, "node_state_updated");
  assert.match(frame.id, /^\d+$/);
  assert.equal(envelope.scope, `node:${node.id}`);
  assert.equal(envelope.keyId, node.registration["signing_key_id"]);
  const { payload } = agentOf2(node).take(frame);
  assert.deepEqual(JSON.parse(payload), {
    node_id: node.id,
    epoch: Math.floor(plane.clock.now() / 1000),
    state_version: 2,
    metadata: [{ key: "a", value: "secret-free" }],
  });
  await stream.close();
});

Deno.test("a change of secrets is no event of dialect 2", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  await node.admin("PUT", "/secrets/s", { value: "hush" });
  await node.admin("PUT", "/metadata/a", { value: "1" });
  assert.equal((await stream.next()).event, "node_state_updated");
  await stream.close();
});

Deno.test("one event reaches nodes of both dialects, each in its own words", async () => {
  await using plane = await RunningPlane.start();
  const [one, two] = [await plane.join(), await join2(plane)];
  const streams = [await one.events(), await two.events()] as const;
  // Its own stream of before: one has heard of two already.
  await streams[0].nextOf("peer_added");
  const third = await plane.join();
  const first = agentOf(one).take(await streams[0].nextOf("peer_added"));
  const second = agentOf2(two).take(await streams[1].next());
  assert.equal(first.id, second.id);
  assert.equal(JSON.parse(first.payload).id, third.id);
  assert.equal(second.type, "peer_registered");
  assert.equal(second.scope, `domain:${two.domainId}`);
  const { public_key: key, ...peer } = JSON.parse(second.payload);
  assert.equal(key.length, 44);
  assert.deepEqual(peer, {
    domain_id: two.domainId,
    node_id: third.id,
    mesh_ip: third.meshIp,
  });
  await third.admin("DELETE", "");
  const gone = agentOf2(two).take(await streams[1].next());
  assert.equal(gone.type, "peer_deregistered");
  assert.deepEqual(JSON.parse(gone.payload), {
    domain_id: two.domainId,
    node_id: third.id,
  });
  for (const stream of streams) await stream.close();
});

Deno.test("every other event keeps its name but the set-up of a session", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  const agent = agentOf2(node);
  await plane.admin("PUT", "/policies/a", { rules: [] });
  await node.admin("POST", "/rotate-keys");
  await node.admin("POST", "/actions", { action: "restart" });
  const { json } = await node.admin("POST", "/sessions", {
    target_host: "localhost",
    target_port: 22,
    authorized_key: "ssh-ed25519 AAAA",
    expires_at: new Date(plane.clock.now() + 60_000).toISOString(),
  });
  await node.admin("DELETE", `/sessions/${json["session_id"]}`);
  const types: string[] = [];
  for (let count = 0; count < 5; count++) {
    types.push(agent.take(await stream.next()).type);
  }
  assert.deepEqual(types, [
    "policy_updated",
    "rotate_keys",
    "action_request",
    "session_setup",
    "session_revoked",
  ]);
  await stream.close();
});

Deno.test("a stream of dialect 2 starts with what comes next, and has its header", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const answer = await fetch(`${plane.url}/v1/nodes/${node.id}/events`, {
    headers: { authorization: `Bearer ${node.bearer}` },
  });
  assert.equal(answer.headers.get("x-plexsphere-api-version"), "v1");
  await answer.body?.cancel();
  const stream = await node.events();
  await node.admin("PUT", "/metadata/b", { value: "1" });
  const { payload } = parseEnvelope2((await stream.next()).data);
  assert.equal(JSON.parse(payload).state_version, 3);
  await stream.close();
});

Deno.test("a stream of dialect 2 is kept alive every 25 s", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  assert.equal(await stream.block(), ":keep-alive\nretry: 1000");
  const next = stream.block();
  await settle();
  await plane.clock.advance(KEEP_ALIVE_MS);
  assert.equal(await next, ":keep-alive");
  await stream.close();
});

Deno.test("what was missed comes after Last-Event-ID", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const first = await node.events();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const { id } = await first.next();
  await first.close();
  await node.admin("PUT", "/metadata/a", { value: "2" });
  await plane.restart();
  const second = await node.events(id);
  const { payload } = agentOf2(node).take(await second.next());
  assert.equal(JSON.parse(payload).state_version, 3);
  await second.close();
});

for (
  const { what, cursor } of [
    { what: "no number", cursor: "x" },
    { what: "a negative number", cursor: "-1" },
    { what: "empty", cursor: "" },
    { what: "of the future", cursor: "999" },
  ]
) {
  Deno.test(`a cursor that is ${what} answers 400`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    (await node.call("GET", "/events", undefined, { "last-event-id": cursor }))
      .assertProblem(400, "invalid_last_event_id");
  });
}

Deno.test("a cursor beyond the kept events answers 400, key changes stay", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const { id } = await stream.next();
  await stream.close();
  await node.admin("PUT", "/metadata/a", { value: "2" });
  await plane.admin("POST", "/signing-keys/rotate", {});
  plane.clock.jump(8 * 24 * 3_600_000);
  await plane.clock.advance(3_600_000);
  await settle();
  await node.admin("PUT", "/metadata/a", { value: "3" });
  (await node.call("GET", "/events", undefined, { "last-event-id": id }))
    .assertProblem(400, "invalid_last_event_id");
  const agent = agentOf2(node);
  const again = await node.events();
  assert.equal(agent.take(await again.next()).type, "signing_key_rotated");
  await node.admin("PUT", "/metadata/a", { value: "4" });
  assert.equal(agent.take(await again.next()).type, "node_state_updated");
  await again.close();
});

Deno.test("a node of dialect 2 follows every change of the signing key", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  // Before its first stream: what is between is left out, key changes are not.
  await node.admin("PUT", "/metadata/a", { value: "1" });
  await plane.admin("POST", "/signing-keys/rotate", { transition: "0s" });
  await node.admin("PUT", "/metadata/a", { value: "2" });
  await plane.admin("POST", "/signing-keys/rotate", { transition: "10m" });
  const agent = agentOf2(node);
  const stream = await node.events();
  const rotations = [
    agent.take(await stream.next()),
    agent.take(await stream.next()),
  ].map(({ payload }) => JSON.parse(payload));
  assert.deepEqual(Object.keys(rotations[0]), [
    "domain_id",
    "key_id",
    "public_key",
  ]);
  assert.equal(rotations[1].previous_key_id, rotations[0].key_id);
  assert.equal(rotations[1].transition_expires, "2026-03-01T12:10:00.000Z");
  await node.admin("PUT", "/metadata/a", { value: "3" });
  const event = parseEnvelope2((await stream.next()).data);
  assert.equal(event.keyId, rotations[1].key_id);
  await stream.close();
});
