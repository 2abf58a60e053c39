import assert from "node:assert/strict";
import { EVENT_TYPES, type EventType } from "../../src/wire/event_types.ts";
import { newPublicKey, RunningPlane, type TestNode } from "./running_plane.ts";
import { agentOf } from "./verifying_agent.ts";

const RULE = {
  src: "10.42.0.1/32",
  dst: "10.42.0.2/32",
  port: 443,
  protocol: "tcp",
  action: "allow",
};

/** How an operator, or another node, causes each type of event on a node. */
const CAUSES: Readonly<
  Record<EventType, (node: TestNode, peer: TestNode) => Promise<unknown>>
> = {
  node_state_updated: (node) =>
    node.admin("PUT", "/metadata/region", { value: "eu" }),
  node_secrets_updated: (node) =>
    node.admin("PUT", "/secrets/password", { value: "hush" }),
  peer_added: (node) => node.plane.join(),
  peer_endpoint_changed: (_node, peer) =>
    peer.call("PUT", "/endpoint", {
      public_endpoint: "192.0.2.7:51820",
      nat_type: "none",
    }),
  peer_key_rotated: (_node, peer) =>
    peer.plane.call("POST", "/v1/keys/rotate", {
      bearer: peer.secretKey,
      body: { node_id: peer.id, new_public_key: newPublicKey() },
    }),
  policy_updated: (node) =>
    node.plane.admin("PUT", "/policies/web", { rules: [RULE] }),
  action_request: (node) =>
    node.admin("POST", "/actions", { action: "restart" }),
  ssh_session_setup: (node) =>
    node.admin("POST", "/sessions", {
      target_host: "10.42.0.9",
      target_port: 22,
      authorized_key: "ssh-ed25519 AAAA",
      expires_at: "2026-03-01T13:00:00Z",
    }),
  session_revoked: async (node) => {
    const { json } = await node.admin("GET", "/sessions");
    const [session] = json["sessions"] as Record<string, unknown>[];
    await node.admin("DELETE", `/sessions/${session?.["session_id"]}`);
  },
  rotate_keys: (node) => node.admin("POST", "/rotate-keys"),
  signing_key_rotated: (node) =>
    node.plane.admin("POST", "/signing-keys/rotate", { transition: "1m" }),
  peer_removed: (_node, peer) => peer.call("POST", "/deregister"),
};

const PEER = ["id", "public_key", "mesh_ip", "endpoint", "allowed_ips"];

/** Members that an event has beside those of its audience. */
const MEMBERS: Readonly<Record<EventType, readonly string[]>> = {
  node_state_updated: ["metadata"],
  node_secrets_updated: ["secret_refs"],
  peer_added: PEER,
  peer_endpoint_changed: PEER,
  peer_key_rotated: PEER,
  peer_removed: ["peer_id"],
  policy_updated: ["policies"],
  action_request: ["execution_id", "action", "parameters", "expires_at"],
  ssh_session_setup: [
    "session_id",
    "target_host",
    "target_port",
    "authorized_key",
    "expires_at",
  ],
  session_revoked: ["session_id"],
  rotate_keys: [],
  signing_key_rotated: ["current", "previous", "transition_expires"],
};

Deno.test("every type of event can be caused, and arrives signed and addressed", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await plane.join(), await plane.join()];
  const agent = agentOf(node);
  const stream = await node.events();
  assert.equal((await stream.next()).event, "peer_added");
  assert.deepEqual(
    Object.keys(CAUSES).sort(),
    [...EVENT_TYPES].sort(),
  );
  const content = new Content(node);
  for (const [type, cause] of Object.entries(CAUSES)) {
    await cause(node, peer);
    const { type: signed, payload } = agent.take(await stream.next());
    assert.equal(signed, type);
    const { node_id, epoch, state_version, domain_id, ...members } = JSON.parse(
      payload,
    );
    assert.deepEqual(Object.keys(members), MEMBERS[type as EventType], type);
    if (domain_id === undefined) {
      assert.equal(node_id, node.id, type);
      assert.ok(epoch > 0 && state_version > 0, type);
    } else {
      assert.equal(domain_id, node.domainId, type);
      assert.equal(node_id ?? epoch ?? state_version, undefined, type);
    }
    await content.check(type);
  }
  await stream.close();
});

/** Notices a state that changes without a new version. */
class Content {
  readonly #byVersion = new Map<unknown, string>();

  constructor(readonly node: TestNode) {}

  async check(what: string): Promise<void> {
    // Keys are announced beside the state: they change without it.
    const { signing_keys: _keys, ...state } =
      (await this.node.call("GET", "/state")).json;
    const version = state["state_version"];
    const known = this.#byVersion.get(version);
    const text = JSON.stringify(state);
    assert.equal(known ?? text, text, `after ${what}`);
    this.#byVersion.set(version, text);
  }
}

Deno.test("an event that another node causes is not told to that node", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await plane.join(), await plane.join()];
  for (const type of ["peer_endpoint_changed", "peer_key_rotated"] as const) {
    await CAUSES[type](node, peer);
  }
  const { json } = await peer.admin("GET", "/events");
  assert.deepEqual(json["events"], []);
});

Deno.test("sessions are listed until they expire, and revoked once", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const listed = async (of: TestNode) =>
    (await of.admin("GET", "/sessions")).json["sessions"] as {
      session_id: string;
      target_host: string;
    }[];
  await CAUSES.ssh_session_setup(node, other);
  const [session] = await listed(node);
  assert.equal(session?.target_host, "10.42.0.9");
  assert.deepEqual(await listed(other), []);
  const path = `/sessions/${session?.session_id}`;
  (await plane.admin("DELETE", `/nodes/${other.id}${path}`))
    .assertProblem(404, "session_not_found");
  await node.admin("DELETE", path);
  (await plane.admin("DELETE", `/nodes/${node.id}${path}`))
    .assertProblem(404, "session_not_found");
  await CAUSES.ssh_session_setup(node, other);
  await plane.clock.advance(3_600_000);
  assert.deepEqual(await listed(node), []);
});
