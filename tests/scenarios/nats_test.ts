import assert from "node:assert/strict";
import { hasNatsServer } from "../fakes/nats_server.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { NatsStage } from "./nats_stage.ts";
import { Stage } from "./stage.ts";

const ignore = !hasNatsServer();

for (const dialect of [1, 2] as const) {
  Deno.test({
    name:
      `events come by the message bus, by the stream while the bus is away, and by the bus again, dialect ${dialect}`,
    ignore,
    async fn() {
      await using at = await NatsStage.open(dialect);
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
      assert.ok(events.applied + events.repeated > 0);
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
      assert.match(
        screen.stdout,
        /^Stream +streaming .*, by the message bus$/m,
      );
      assert.match(screen.stdout, /Message bus +brings events/);
      assert.match(screen.stdout, /Bus login +good for \d/);
      assert.match(screen.stdout, /^Name .*, domain default$/m);
      assert.ok(!told.includes("refused nats"), told.join(", "));
      await at.stage.stopAgent();
    },
  });
}

// The control plane of either dialect gives the same credentials.
Deno.test({
  name: "credentials that expire again and again are renewed without an outage",
  ignore,
  async fn() {
    await using at = await NatsStage.open(1, "--nats-credentials-ttl=10s");
    await at.startAgent("nats");
    await at.carriedBy("nats");
    const first = (await at.stage.status()).carrier_credentials?.expires_at;
    assert.ok(first);
    await at.stage.statusWhen(
      "three lives have passed",
      ({ carrier_credentials: now }) =>
        Date.parse(now?.expires_at ?? "") - Date.parse(first) >= 15_000,
    );
    await at.carriedBy("nats");
    await at.delivers("red");
    const told = await at.transitions();
    assert.ok(told.filter((one) => one === "refresh nats").length >= 4);
    assert.ok(!told.includes("disconnect nats"), told.join(", "));
    assert.doesNotMatch(
      at.stage.agentOutput,
      /"user_seed"|\bSU[A-Z2-7]{56}\b/,
    );
    assert.doesNotMatch(at.stage.agentOutput, /\beyJ[\w-]+\.[\w-]+\.[\w-]+/);
  },
});

// The bus knows no dialect.
Deno.test({
  name:
    "a bus that refuses the node leaves the events to the stream, says so, and is used once it accepts",
  ignore,
  async fn() {
    await using at = await NatsStage.open(1);
    await at.startAgent("nats");
    await at.carriedBy("nats");
    await at.nats.stop();
    await at.nats.start("authorization { user: one, password: other }");
    await at.carriedBy("sse");
    await at.stage.statusWhen(
      "the refusal is seen",
      ({ carrier }) => /refuses/.test(carrier?.nats?.last_error ?? ""),
    );
    await at.delivers("red");
    const why = await at.stage.run("why");
    assert.equal(why.code, 1);
    assert.match(why.stdout, /message bus, but do not \(.*refuses/);
    const screen = await at.stage.run("status");
    assert.match(screen.stdout, /Message bus +not in use/);
    assert.match(screen.stdout, /transport is nats/);

    await at.nats.stop();
    await at.startBus();
    await at.carriedBy("nats");
    await at.delivers("green");
    assert.equal((await at.stage.run("why")).code, 0);
    const told = await at.transitions();
    assert.ok(told.includes("refused nats"), told.join(", "));
  },
});

for (const dialect of [1, 2] as const) {
  Deno.test({
    name:
      `an agent that is killed again and again loses and repeats no event of the bus, dialect ${dialect}`,
    ignore,
    async fn() {
      await using at = await NatsStage.open(dialect);
      await at.startAgent("auto");
      for (const value of ["one", "two", "three"]) {
        await at.carriedBy("nats");
        const { node_id } = await at.stage.status();
        const path = `/nodes/${node_id}/metadata`;
        await Promise.all(
          Array.from(
            { length: 20 },
            (_, n) =>
              at.stage.admin.call("PUT", `${path}/${value}-${n}`, { value }),
          ),
        );
        await at.stage.killAgent();
        await at.startAgent("auto");
      }
      await at.carriedBy("nats");
      await at.delivers("last");
      const state = JSON.parse(await at.stage.read("/v1/state"));
      assert.equal(Object.keys(state.metadata).length, 61);
      const { events } = await at.stage.status();
      assert.deepEqual(events.rejected, {});
    },
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test({
    name:
      `without a bus the stream feeds; only transport nats makes a problem of it, dialect ${dialect}`,
    ignore,
    async fn() {
      await using stage = await Stage.open(dialect);
      await stage.startControlPlane();
      await stage.leaveToken();
      const env = (transport: string) => ({ PLEXD_TRANSPORT: transport });
      await stage.startAgent({ env: env("auto") });
      const looked = ({ carrier, carrier_credentials }: StatusDocument) =>
        carrier_credentials?.state === "no_bus" && carrier?.active === "sse";
      const status = await stage.statusWhen("it has looked", looked);
      assert.equal(status.carrier?.nats?.state, "without");
      assert.deepEqual(status.reasons.map(({ reason }) => reason), []);
      assert.equal((await stage.run("why")).code, 0);
      await stage.stopAgent();

      await stage.startAgent({ env: env("nats") });
      await stage.statusWhen("it has looked", looked);
      const why = await stage.run("why");
      assert.equal(why.code, 1);
      assert.match(why.stdout, /set transport to auto or sse/);
    },
  });
}

// Nothing is asked of the control plane.
Deno.test({
  name: "a restarted agent uses the credentials that it has, sealed on disk",
  ignore,
  async fn() {
    await using at = await NatsStage.open(1);
    await at.startAgent("auto");
    const before = await at.carriedBy("nats");
    await at.stage.killAgent();
    const file = `${at.stage.membership}/identity/credentials.json`;
    const stored = await Deno.readTextFile(file);
    assert.doesNotMatch(stored, /eyJ|user_seed|SU[A-Z2-7]{20}/);
    await at.startAgent("auto");
    const after = await at.carriedBy("nats");
    const expiry = ({ carrier_credentials: now }: StatusDocument) =>
      Date.parse(now?.expires_at ?? "");
    // Fresh ones are counted from when they were asked for.
    assert.ok(Math.abs(expiry(after) - expiry(before)) < 1_000);
    const told = await at.transitions();
    assert.equal(told.filter((one) => one === "refresh nats").length, 1);
    await at.delivers("red");
  },
});

for (const dialect of [1, 2] as const) {
  Deno.test({
    name:
      `a node that is removed is told so once, and reads nothing more, dialect ${dialect}`,
    ignore,
    async fn() {
      await using at = await NatsStage.open(
        dialect,
        "--nats-credentials-ttl=10s",
      );
      await at.startAgent("auto");
      const { node_id } = await at.carriedBy("nats");
      await at.stage.admin.call("DELETE", `/nodes/${node_id}`);
      const status = await at.stage.statusWhen(
        "its credentials are not renewed, and are over",
        ({ carrier, carrier_credentials: now }) =>
          now?.state === "unauthorized" && carrier?.nats?.state === "without",
      );
      const reasons = status.reasons.map(({ reason }) => reason);
      assert.ok(reasons.includes("unauthorized"), reasons.join(", "));
      const told = await at.transitions();
      const times = told.filter((one) => one === "unauthorized").length;
      assert.equal(times, 1, told.join(", "));
      const why = await at.stage.run("why");
      assert.match(why.stdout, /does not accept this node/);
    },
  });
}
