/**
 * "Same payload, two channels": what a node can piece together from its events
 * is what its pull answers, whatever operators and other nodes do.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { agentOf2, join2, type TestNode2 } from "./dialect2_node.ts";
import { newPublicKey, RunningPlane, type TestNode } from "./running_plane.ts";
import { agentOf } from "./verifying_agent.ts";

/** A change, and how many events of it the watching node gets. */
type Change = (world: World) => Promise<void>;

interface World {
  readonly plane: RunningPlane;
  readonly node: TestNode | TestNode2;
  /** Other nodes of the domain. */
  readonly peers: TestNode[];
}

const KEYS = ["a", "b", "__proto__"];
const key = fc.constantFrom(...KEYS);
const small = fc.nat(2);
const payload = fc.constantFrom('{"n":1.0}', '[1e5,"x"]', '"text"', "null");

/** Deletions of what is not there are refused, which is no change. */
async function admin(
  world: World,
  method: string,
  path: string,
  body?: unknown,
) {
  const answer = await world.plane.admin(method, path, body);
  assert.ok(answer.status < 300 || answer.status === 404, answer.text);
}

const RULE = { src: "a", dst: "b", protocol: "tcp", action: "allow" };

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(key, small).map(([name, value]): Change => (world) =>
    admin(world, "PUT", `/nodes/${world.node.id}/metadata/${name}`, {
      value: String(value),
    })
  ),
  key.map((name): Change => (world) =>
    admin(world, "DELETE", `/nodes/${world.node.id}/metadata/${name}`)
  ),
  fc.tuple(key, payload).map(([name, text]): Change => (world) =>
    admin(
      world,
      "PUT",
      `/nodes/${world.node.id}/data/${name}`,
      `{"content_type":"application/json","payload":${text}}`,
    )
  ),
  key.map((name): Change => (world) =>
    admin(world, "DELETE", `/nodes/${world.node.id}/data/${name}`)
  ),
  fc.tuple(small, small, fc.boolean()).map(
    ([id, port, selected]): Change => (world) =>
      admin(world, "PUT", `/policies/p${id}`, {
        rules: [{ ...RULE, port }],
        ...(selected ? { metadata: { a: String(port) } } : {}),
      }),
  ),
  small.map((id): Change => (world) =>
    admin(world, "DELETE", `/policies/p${id}`)
  ),
  fc.constantFrom("{}", '{"relay":{"x":1.0}}').map((block): Change => (world) =>
    admin(world, "PUT", `/bridges/${world.node.id}`, block)
  ),
  fc.constant<Change>((world) =>
    admin(world, "DELETE", `/bridges/${world.node.id}`)
  ),
  fc.constant<Change>(async ({ plane, peers }) => {
    await plane.clock.advance(1);
    peers.push(await plane.join());
  }),
  fc.constant<Change>(async (world) => {
    const peer = world.peers.shift();
    if (peer) await admin(world, "DELETE", `/nodes/${peer.id}`);
  }),
  small.map((port): Change => async ({ peers }) => {
    await peers[0]?.call("PUT", "/endpoint", {
      public_endpoint: `192.0.2.1:${port + 1}`,
      nat_type: "none",
    });
  }),
  fc.constant<Change>(async (world) => {
    const [peer] = world.peers;
    if (!peer) return;
    await admin(world, "POST", `/nodes/${peer.id}/rotate-keys`);
    const answer = await world.plane.call("POST", "/v1/keys/rotate", {
      bearer: peer.secretKey,
      body: { node_id: peer.id, new_public_key: newPublicKey() },
    });
    assert.equal(answer.status, 200, answer.text);
  }),
);

/** What a node knows: parts of its state by name, peers by id. */
class Mirror {
  readonly #peers = new Map<string, unknown>();
  readonly #parts: Record<string, unknown> = {};

  constructor(pull: Record<string, unknown>, readonly ids: "id" | "node_id") {
    this.take(this.parts(pull));
    for (const peer of pull["peers"] as Record<string, unknown>[]) {
      this.#peers.set(String(peer[ids]), this.#peer(peer));
    }
  }

  get known(): unknown {
    const peers = [...this.#peers].sort(([one], [two]) => one < two ? -1 : 1);
    return { peers: peers.map(([, peer]) => peer), ...this.#parts };
  }

  /** The parts of a pull that events tell of, as those name them. */
  parts(pull: Record<string, unknown>): Record<string, unknown> {
    if (this.ids === "id") {
      const { metadata, data, policies } = pull;
      return { metadata, data, policies };
    }
    const { metadata, data } = pull["state"] as Record<string, unknown>;
    return {
      metadata,
      data,
      policy: pull["policy"],
      effective_config: pull["bridge"],
    };
  }

  take(payload: Record<string, unknown>): void {
    const { node_id: _id, epoch: _epoch, state_version: _version, ...parts } =
      payload;
    // States of dialect 1 have no bridge: its event is a hint there.
    if (this.ids === "id") delete parts["effective_config"];
    Object.assign(this.#parts, parts);
  }

  takePeer(type: string, payload: Record<string, unknown>): void {
    const isGone = type === "peer_removed" || type === "peer_deregistered";
    const id = String(
      payload[isGone && this.ids === "id" ? "peer_id" : this.ids],
    );
    if (isGone) this.#peers.delete(id);
    else this.#peers.set(id, this.#peer(payload));
  }

  #peer({ domain_id: _domain, psk: _psk, ...peer }: Record<string, unknown>) {
    return peer;
  }

  /** What a pull says, in the same form. */
  sameOf(pull: Record<string, unknown>): unknown {
    return new Mirror(pull, this.ids).known;
  }
}

for (const dialect of [1, 2] as const) {
  Deno.test(`what events of dialect ${dialect} tell is what a pull answers`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(changes, { minLength: 1, maxLength: 25 }),
        async (steps) => {
          await using plane = await RunningPlane.start();
          const node = dialect === 1 ? await plane.join() : await join2(plane);
          const state = async () => (await node.call("GET", "/state")).json;
          const agent = "bearer" in node ? agentOf2(node) : agentOf(node);
          const stream = await node.events();
          const mirror = new Mirror(
            await state(),
            dialect === 1 ? "id" : "node_id",
          );
          const world: World = { plane, node, peers: [] };
          for (const step of steps) await step(world);
          // A last change, to know that all before it have come.
          await node.admin("PUT", "/metadata/last", { value: "1" });
          for (;;) {
            const { type, payload } = agent.take(await stream.next());
            const members = JSON.parse(payload);
            if (type.startsWith("peer_")) mirror.takePeer(type, members);
            else mirror.take(members);
            if (payload.includes('"last"')) break;
          }
          await stream.close();
          assert.deepEqual(mirror.known, mirror.sameOf(await state()));
        },
      ),
      { numRuns: 15 },
    );
  });
}
