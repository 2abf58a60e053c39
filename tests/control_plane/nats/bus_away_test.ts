import assert from "node:assert/strict";
import {
  busConfigSchema,
  natsServerConfig,
} from "../../../src/wire/bus_config.ts";
import { checkShape } from "../../../src/wire/shape_error.ts";
import { hasNatsServer } from "../../fakes/nats_server.ts";
import { eventually } from "../../scenarios/eventually.ts";
import { BUS_AWAY, RunningPlane } from "../running_plane.ts";
import { BusNode, BusWorld, credentialsOf } from "./bus_world.ts";

const ignore = !hasNatsServer();

Deno.test({
  name: "while the bus is away streams go on, and it is told once each time",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane, nats } = world;
    const node = await plane.join();
    const credentials = await credentialsOf(node);
    const stream = await node.events();
    const told = (text: string) =>
      plane.log.lines.filter(({ message }) => message.includes(text)).length;
    const before = told("is away");
    for (const round of [1, 2]) {
      // It is connected before that is told: first it has to take something.
      await eventually(
        "it is told that the bus is there",
        () => told("is there") === round || undefined,
      );
      await nats.kill();
      await world.away();
      const ready = await plane.call("GET", "/readyz");
      assert.equal(ready.status, 200);
      assert.equal((await world.figures())["connected"], 0);
      await node.admin("PUT", `/metadata/k${round}`, { value: "v" });
      assert.match((await stream.next()).data, new RegExp(`k${round}`));
      // It has a consumer already: what expires is told by a clock alone.
      const renewed = await credentialsOf(node);
      assert.notEqual(renewed.user_jwt, credentials.user_jwt);
      await nats.start();
      await world.connected();
      assert.equal(told("is away") - before, round);
      assert.equal((await world.figures())["connected"], 1);
    }
    await using bus = await BusNode.of(node);
    assert.equal((await bus.fetch(2)).length, 2);
    await stream.close();
  },
});

Deno.test({
  name: "a bus that trusts another control plane refuses this one, and no more",
  ignore,
  async fn() {
    await using world = await BusWorld.withoutServer();
    await using other = await RunningPlane.start({ messageBus: BUS_AWAY });
    const { plane, nats } = world;
    const configOf = async (one: RunningPlane) => {
      const { json } = await one.admin("GET", "/message-bus");
      const config = checkShape("message bus", busConfigSchema, json);
      return natsServerConfig(config, {
        listen: `127.0.0.1:${nats.port}`,
        storeDir: nats.storeDir,
      });
    };
    await nats.start(await configOf(other));
    await nats.logs(/authentication error/i);
    await world.away();
    assert.equal((await plane.call("GET", "/v1/ping")).status, 200);
    await nats.stop();
    await nats.start(await configOf(plane));
    await world.connected();
  },
});

Deno.test({
  name: "the identity of the bus is made once, and survives a restart",
  ignore,
  async fn() {
    await using world = await BusWorld.start();
    const { plane } = world;
    const before = (await plane.admin("GET", "/message-bus")).json;
    const node = await plane.join();
    const credentials = await credentialsOf(node);
    await plane.restart();
    await world.connected();
    const after = (await plane.admin("GET", "/message-bus")).json;
    assert.deepEqual({ ...after, readers: 0 }, { ...before, readers: 0 });
    // Known from before: its credentials are as good as they were.
    assert.equal(after["readers"], 1);
    await node.admin("PUT", "/metadata/k", { value: "v" });
    await using bus = await BusNode.connect(credentials);
    assert.equal((await bus.fetch(1)).length, 1);
  },
});

Deno.test("a bus on another machine without TLS is warned of", async () => {
  const warned = async (server: string) => {
    const messageBus = { servers: [server] };
    await using plane = await RunningPlane.start({ messageBus });
    return plane.log.text.includes("can be read on the way");
  };
  assert.equal(await warned("nats://127.0.0.1:1"), false);
  assert.equal(await warned("nats://localhost:1"), false);
  assert.equal(await warned("nats://[::1]:1"), false);
  assert.equal(await warned("tls://bus.invalid:1"), false);
  assert.equal(await warned("nats://bus.invalid:1"), true);
});
