import assert from "node:assert/strict";
import { hasNatsServer } from "../../fakes/nats_server.ts";
import { agentOf2, join2 } from "../dialect2_node.ts";
import type { TestNode } from "../running_plane.ts";
import { agentOf } from "../verifying_agent.ts";
import { BusNode, BusWorld, credentialsOf, type Fetched } from "./bus_world.ts";

const ignore = !hasNatsServer();

const setMetadata = (node: Pick<TestNode, "admin">, key: string) =>
  node.admin("PUT", `/metadata/${key}`, { value: "1" });

const sequences = (events: readonly Fetched[]) =>
  events.map(({ id }) => Number(id));

/** What the outbox has for a node after a sequence, oldest first. */
async function stored(
  node: Pick<TestNode, "admin">,
  after: number,
): Promise<number[]> {
  const { json } = await node.admin("GET", "/events");
  const events = json["events"] as { sequence: number }[];
  return events.map(({ sequence }) => sequence)
    .filter((sequence) => sequence > after)
    .sort((a, b) => a - b);
}

/** Sequence of the newest event. */
async function newest(node: Pick<TestNode, "admin">): Promise<number> {
  return (await stored(node, 0)).at(-1) ?? 0;
}

Deno.test({
  name: "a node of either dialect gets the envelopes of its event stream",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane } = world;
    const [one, two] = [await plane.join(), await join2(plane)];
    await using bus1 = await BusNode.of(one);
    await using bus2 = await BusNode.of(two);
    const streams = [await one.events(), await two.events()] as const;
    // Its own stream of before: one has heard of two already.
    await streams[0].nextOf("peer_added");
    const third = await plane.join();
    await setMetadata(one, "a");
    await setMetadata(two, "a");
    const shown1 = [await streams[0].next(), await streams[0].next()];
    const shown2 = [await streams[1].next(), await streams[1].next()];
    const got1 = await bus1.fetch(2);
    const got2 = await bus2.fetch(2);
    for (const [shown, got] of [[shown1, got1], [shown2, got2]] as const) {
      assert.deepEqual(
        got.map(({ id, event, data }) => ({ id, event, data })),
        shown.map(({ id, event, data }) => ({ id, event, data })),
      );
    }
    const taken1 = got1.map((frame) => agentOf(one).take(frame));
    const taken2 = got2.map((frame) => agentOf2(two).take(frame));
    assert.equal(taken1[0]!.id, taken2[0]!.id);
    assert.match(taken1[0]!.payload, new RegExp(third.id));
    assert.deepEqual(
      taken2.map(({ type }) => type),
      ["peer_registered", "node_state_updated"],
    );
    for (const stream of streams) await stream.close();
  },
});

Deno.test({
  name: "a change of the signing key is followed on the bus",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const node = await world.plane.join();
    await using bus = await BusNode.of(node);
    await world.plane.admin("POST", "/signing-keys/rotate", {});
    await setMetadata(node, "after");
    const agent = agentOf(node);
    const types = (await bus.fetch(2)).map((frame) => agent.take(frame).type);
    assert.deepEqual(types, ["signing_key_rotated", "node_state_updated"]);
  },
});

Deno.test({
  name: "only what happens once a node has credentials is published for it",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const node = await world.plane.join();
    await setMetadata(node, "before");
    const before = await newest(node);
    await using bus = await BusNode.of(node);
    await setMetadata(node, "after");
    const found = await bus.fetch(1);
    assert.deepEqual(sequences(found), await stored(node, before));
    assert.equal(found.length, 1);
  },
});

/** What may come between two events. */
const DISTURBANCES = {
  "the bus is killed and started": async ({ nats }: BusWorld) => {
    await nats.kill();
    await nats.start();
  },
  "the bus is stopped and started": async ({ nats }: BusWorld) => {
    await nats.stop();
    await nats.start();
  },
  "the bus is killed": async ({ nats }: BusWorld) => await nats.kill(),
  "the bus is started": async ({ nats }: BusWorld) => {
    if (!nats.isRunning) await nats.start();
  },
  "the control plane restarts": async ({ plane }: BusWorld) =>
    await plane.restart(),
} as const;

/** Each one between others, alone and in pairs. */
const STORY: readonly (keyof typeof DISTURBANCES)[] = [
  "the bus is killed and started",
  "the control plane restarts",
  "the bus is killed",
  "the control plane restarts",
  "the bus is started",
  "the bus is stopped and started",
  "the control plane restarts",
  "the bus is killed",
  "the bus is started",
  "the control plane restarts",
  "the control plane restarts",
  "the bus is killed and started",
];

Deno.test({
  name: "through crashes and restarts each event is there once, in its order",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane } = world;
    const nodes = [await plane.join(), await plane.join(), await plane.join()];
    for (const node of nodes) await credentialsOf(node);
    const start = await Promise.all(nodes.map(newest));
    for (const [at, what] of STORY.entries()) {
      // Side by side, so that some are under way when it happens.
      const changes = nodes.map((node) => setMetadata(node, `a${at}`));
      // And one that all are told of.
      const peer = plane.join();
      await Promise.all([...changes, peer]);
      await DISTURBANCES[what](world);
    }
    await world.connected();
    for (const [at, node] of nodes.entries()) {
      const wanted = await stored(node, start[at]!);
      assert.equal(wanted.length, 2 * STORY.length);
      await using bus = await BusNode.of(node);
      const found = await bus.fetch(wanted.length);
      assert.deepEqual(sequences(found), wanted);
    }
  },
});

Deno.test({
  name: "a bus that has lost its disk gets the last minutes again",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const node = await world.plane.join();
    const credentials = await credentialsOf(node);
    const before = await newest(node);
    for (const key of ["a", "b", "c"]) await setMetadata(node, key);
    await world.published(3);
    await world.nats.stop();
    await Deno.remove(world.nats.storeDir, { recursive: true });
    await world.nats.start();
    await world.connected();
    await setMetadata(node, "d");
    await using bus = await BusNode.connect(credentials);
    const wanted = await stored(node, before);
    const found = sequences(await bus.fetch(wanted.length));
    assert.deepEqual(found, wanted);
    const { lines } = world.plane.log;
    assert.ok(
      lines.some(({ message }) => /may have lost events/.test(message)),
    );
  },
});

Deno.test({
  name: "a restored database begins the stream anew: its numbers come again",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane } = world;
    const node = await plane.join();
    await setMetadata(node, "before-the-backup");
    await using bus = await BusNode.of(node);
    await plane.stop();
    const database = `${plane.dataDir}/control-plane.db`;
    const backup = await Deno.readFile(database);
    await plane.restart();
    await world.connected();
    await setMetadata(node, "lost");
    const [lost] = await bus.fetch(1);
    await plane.stop();
    for (const left of ["-wal", "-shm"]) {
      await Deno.remove(database + left).catch(() => {});
    }
    await Deno.writeFile(database, backup);
    await plane.restart({ newEpoch: true });
    await world.connected();
    await setMetadata(node, "after");
    const [after] = await bus.fetch(1);
    // Under a number that is known in the former stream.
    assert.equal(after!.id, lost!.id);
    assert.match(after!.data, /"after"/);
  },
});

Deno.test({
  name: "after a long absence of the bus old events are left out, keys are not",
  ignore,
  async fn() {
    await using world = await BusWorld.start({}, { isLive: false });
    const { plane, nats } = world;
    const node = await plane.join();
    await credentialsOf(node);
    await nats.kill();
    await world.away();
    await plane.admin("POST", "/signing-keys/rotate", { transition: "1h" });
    await setMetadata(node, "old");
    await plane.clock.advance(4 * 60_000);
    await setMetadata(node, "young");
    await plane.clock.advance(90_000);
    await nats.start();
    await plane.clock.advance(60_000);
    await world.connected();
    await world.published(2);
    const figures = await world.figures();
    assert.equal(figures["published_total"], 2);
    assert.equal(figures["skipped_total"], 1);
    assert.equal(figures["position"], await newest(node));
  },
});
