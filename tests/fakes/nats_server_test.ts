import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { hasNatsServer, NatsServer } from "./nats_server.ts";

const JETSTREAM = "jetstream: enabled";

Deno.test({
  name: "what a killed bus has acknowledged is there when it comes back",
  ignore: !hasNatsServer(),
  async fn() {
    await using nats = new NatsServer();
    await nats.start(JETSTREAM);
    await withClient(nats, async (client) => {
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "KEPT", subjects: ["kept"] });
      await jetstream(client).publish("kept", "one");
    });
    await nats.kill();
    await nats.start();
    await withClient(nats, async (client) => {
      const manager = await jetstreamManager(client);
      const { state } = await manager.streams.info("KEPT");
      assert.equal(state.messages, 1);
    });
    await nats.stop();
    assert.match(nats.log, /Initiating Shutdown/);
  },
});

Deno.test({
  name: "a bus with a broken configuration does not start, and says why",
  ignore: !hasNatsServer(),
  async fn() {
    await using nats = new NatsServer();
    await assert.rejects(nats.start("no_such_field: 1"), /no_such_field/);
  },
});

async function withClient(
  { url }: NatsServer,
  work: (client: NatsConnection) => Promise<void>,
) {
  const client = await connect({ servers: url, reconnect: false });
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
