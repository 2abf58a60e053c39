import assert from "node:assert/strict";
import { hasNatsServer } from "../fakes/nats_server.ts";
import { NatsStage } from "./nats_stage.ts";

const ignore = !hasNatsServer();

Deno.test({
  name:
    "events come by the message bus, by the stream while the bus is away, and by the bus again",
  ignore,
  async fn() {
    await using at = await NatsStage.open();
    await at.startAgent("auto");
    const up = await at.carriedBy("nats");
    assert.equal(up.carrier?.transport, "auto");
    assert.equal(up.carrier?.nats?.state, "feeding");
    assert.equal(up.carrier_credentials?.state, "fresh");
    assert.equal(up.stream.state, "streaming");
    assert.equal(up.stale, false);
    await at.delivers("red");

    await at.nats.kill();
    await at.carriedBy("sse");
    await at.delivers("green");

    await at.startBus();
    await at.carriedBy("nats");
    await at.delivers("blue");

    const { events } = await at.stage.status();
    assert.deepEqual(events.rejected, {});
    const told = await at.transitions();
    const order = [
      "refresh nats",
      "connect nats",
      "disconnect nats",
      "reconnect sse",
      "reconnect nats",
    ];
    let from = 0;
    for (const one of order) {
      const found = told.indexOf(one, from);
      assert.ok(found >= 0, `${one} in ${told.join(", ")}`);
      from = found;
    }
    const screen = await at.stage.run("status");
    assert.match(screen.stdout, /Message bus +brings events/);
    assert.match(screen.stdout, /Bus login +good until in /);
    await at.stage.stopAgent();
  },
});
