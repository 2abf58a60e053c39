import assert from "node:assert/strict";
import { peerHandlers } from "../../src/sync/peer_handlers.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import type { Peer } from "../../src/wire/state.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { failureFrom } from "../uplink/serve.ts";
import { verifiedEvent } from "./events.ts";
import { MemoryState } from "./memory_state.ts";

const B: Peer = {
  id: "n_b",
  publicKey: "key-b",
  meshIp: "10.0.0.2",
  endpoint: "203.0.113.2:51820",
  allowedIps: ["10.0.0.2/32"],
};

const WIRE_B = {
  id: "n_b",
  public_key: "key-b",
  mesh_ip: "10.0.0.2",
  endpoint: "203.0.113.2:51820",
  allowed_ips: ["10.0.0.2/32"],
};

function setUp(peers: readonly Peer[] = []) {
  const directory = new MemoryState({ peers });
  const pulls: string[] = [];
  const handlers = peerHandlers({
    directory,
    nodeId: "n_a",
    domainId: "d_1",
    pull: (reason) => pulls.push(reason),
    clock: new FakeClock(),
  });
  let count = 0;
  const handle = (type: string, payload: unknown, agoS = 0) => {
    const at = Date.parse("2026-03-01T12:00:00Z") - agoS * 1000;
    const event = verifiedEvent({
      type,
      id: `evt-${++count}`,
      nonce: `nonce-${count}`,
      issuedAt: new Date(at).toISOString(),
      payload: JSON.stringify(payload),
    });
    return handlers.get(type)!.handle(event);
  };
  return { directory, pulls, handle };
}

for (const type of ["peer_added", "peer_registered"]) {
  Deno.test(`${type} adds the peer, and a pull is asked for`, async () => {
    const { directory, pulls, handle } = setUp();
    const payload = { ...WIRE_B, domain_id: "d_1", psk: "secret" };
    assert.equal(await handle(type, payload), "applied");
    assert.deepEqual(directory.view.peers, [B]);
    assert.deepEqual(pulls, [`event ${type}`]);
    assert.ok(!JSON.stringify(directory.view.peers).includes("secret"));
  });
}

Deno.test("peer_id is taken as well as id", async () => {
  const { directory, handle } = setUp();
  const { id, ...rest } = WIRE_B;
  await handle("peer_added", { ...rest, peer_id: id });
  assert.deepEqual(directory.view.peers, [B]);
});

for (
  const [type, payload] of [
    ["peer_removed", { peer_id: "n_b" }],
    ["peer_deregistered", { id: "n_b", domain_id: "d_1" }],
  ] as const
) {
  Deno.test(`${type} removes the peer, once`, async () => {
    const { directory, pulls, handle } = setUp([B]);
    assert.equal(await handle(type, payload), "applied");
    assert.deepEqual(directory.view.peers, []);
    assert.equal(await handle(type, payload), "known");
    assert.equal(pulls.length, 1);
  });
}

Deno.test("peer_key_rotated and peer_endpoint_changed change what they name", async () => {
  const { directory, handle } = setUp([B]);
  await handle("peer_key_rotated", { id: "n_b", public_key: "key-2" });
  await handle("peer_endpoint_changed", {
    peer_id: "n_b",
    endpoint: "203.0.113.9:1",
  });
  assert.deepEqual(directory.view.peers, [
    { ...B, publicKey: "key-2", endpoint: "203.0.113.9:1" },
  ]);
});

Deno.test("an endpoint can become unknown", async () => {
  const { directory, handle } = setUp([B]);
  await handle("peer_endpoint_changed", { ...WIRE_B, endpoint: "" });
  assert.equal(directory.view.peers[0]?.endpoint, "");
});

Deno.test("what a pull was faster with is known, and asks for no pull", async () => {
  const { pulls, handle } = setUp([B]);
  assert.equal(await handle("peer_added", WIRE_B), "known");
  assert.deepEqual(pulls, []);
});

Deno.test("too little about an unknown peer only asks for a pull", async () => {
  const { directory, pulls, handle } = setUp();
  const payload = { id: "n_c", endpoint: "203.0.113.9:1" };
  assert.equal(await handle("peer_endpoint_changed", payload), "applied");
  assert.deepEqual(directory.view.peers, []);
  assert.equal(pulls.length, 1);
});

Deno.test("events add no more than 10,000 peers, and change those", async () => {
  const many = Array.from(
    { length: 9_999 },
    (_, n) => ({ ...B, id: `n_${n}` }),
  );
  const { directory, pulls, handle } = setUp(many);
  for (const id of ["n_b", "n_c"]) {
    assert.equal(await handle("peer_added", { ...WIRE_B, id }), "applied");
  }
  const { peers } = directory.view;
  assert.deepEqual([peers.length, peers.at(-1)], [10_000, B]);
  assert.equal(pulls.length, 2);
  await handle("peer_endpoint_changed", { id: "n_b", endpoint: "" });
  assert.equal(directory.view.peers.at(-1)?.endpoint, "");
});

Deno.test("a node does not become its own peer", async () => {
  const { directory, handle } = setUp();
  assert.equal(await handle("peer_added", { ...WIRE_B, id: "n_a" }), "known");
  assert.deepEqual(directory.view.peers, []);
});

Deno.test("an older event about the same peer is refused, about another not", async () => {
  const { directory, handle } = setUp();
  await handle("peer_added", WIRE_B, 10);
  const failure = await failureFrom(handle("peer_removed", WIRE_B, 11));
  assert.ok(failure instanceof RefusedEventError);
  assert.equal(failure.kind, "outdated");
  await handle("peer_added", { ...WIRE_B, id: "n_c" }, 11);
  assert.deepEqual(directory.view.peers.map(({ id }) => id), ["n_b", "n_c"]);
});

Deno.test("an event that is dated ahead does not shut out those that follow", async () => {
  const { directory, handle } = setUp();
  await handle("peer_added", WIRE_B, -120);
  await handle("peer_removed", { peer_id: "n_b" });
  assert.deepEqual(directory.view.peers, []);
});

for (const scope of [{ domain_id: "d_2" }, { node_id: "n_x" }]) {
  Deno.test(`a peer event for ${JSON.stringify(scope)} is refused`, async () => {
    const { directory, handle } = setUp();
    const failure = await failureFrom(
      handle("peer_added", { ...WIRE_B, ...scope }),
    );
    assert.ok(failure instanceof RefusedEventError);
    assert.equal(failure.kind, "foreign");
    assert.deepEqual(directory.view.peers, []);
  });
}

for (
  const payload of [
    {},
    [],
    { id: 1 },
    { id: "" },
    { ...WIRE_B, allowed_ips: "x" },
    { ...WIRE_B, public_key: 7 },
    { ...WIRE_B, allowed_ips: Array(2_000).fill("10.0.0.2/32") },
  ]
) {
  const shown = JSON.stringify(payload).slice(0, 120);
  Deno.test(`a peer event with ${shown} has no effect`, async () => {
    const { directory, handle } = setUp([B]);
    const failure = await failureFrom(handle("peer_added", payload));
    assert.ok(failure instanceof ShapeError, String(failure));
    assert.deepEqual(directory.view.peers, [B]);
  });
}
