import assert from "node:assert/strict";
import { hasNatsServer } from "../fakes/nats_server.ts";
import { eventually } from "./eventually.ts";
import { NatsStage, transitionsOf } from "./nats_stage.ts";
import { CAN_SHIFT, ShiftedClock } from "./shifted_clock.ts";
import { Stage } from "./stage.ts";

/** Waits until all of these are in the ring, in this order, from the first on. */
async function tells(stage: Stage, wanted: readonly string[]): Promise<void> {
  await eventually(`it tells of ${wanted.join(", ")}`, async () => {
    let from = 0;
    const told = await transitionsOf(stage);
    for (const one of wanted) {
      const at = told.indexOf(one, from);
      if (at < 0) throw new Error(`${one} in ${told.join(", ")}`);
      from = at + 1;
    }
    return true;
  });
}

// In dialect 2 the control plane refuses heartbeats of a clock as far off as this
// one is after the sleep, and the rest is the same.
Deno.test({
  name: "an agent that wakes up pulls, beats and opens its stream anew",
  ignore: !CAN_SHIFT,
  async fn() {
    await using clock = await ShiftedClock.make();
    await using stage = await Stage.open();
    await stage.startControlPlane();
    await stage.leaveToken();
    await stage.startAgent({
      env: clock.env,
      settings: {
        reconcile: { interval: "10m" },
        heartbeat: { interval: "10m" },
      },
    });
    const streaming = ({ stream }: { stream: { state: string } }) =>
      stream.state === "streaming";
    const before = await stage.statusWhen(
      "it is connected and has beaten",
      (status) =>
        streaming(status) && status.contact.last_heartbeat_at !== null &&
        status.pull.last_success_at !== null,
    );
    await clock.set(90);
    await tells(stage, ["start", "connect sse", "wake", "reconnect sse"]);
    const later = (time: string | null, than: string | null) =>
      Date.parse(time ?? "") - Date.parse(than ?? "") > 80_000;
    await stage.statusWhen(
      "it has pulled and beaten",
      (now) =>
        streaming(now) &&
        later(now.pull.last_success_at, before.pull.last_success_at) &&
        later(now.contact.last_heartbeat_at, before.contact.last_heartbeat_at),
    );
    await stage.agent.writes(/"slept_s":(?:89|90|91)/);

    // A clock that is set back is no sleep.
    await clock.set(0);
    await stage.admin.call("PUT", `/nodes/${before.node_id}/metadata/a`, {
      value: "after the sleep",
    });
    await eventually(
      "an event comes",
      async () =>
        (await stage.read("/v1/state")).includes("after the sleep") ||
        undefined,
    );
    const told = await transitionsOf(stage);
    assert.equal(told.filter((one) => one === "wake").length, 1);
  },
});

Deno.test({
  name:
    "an agent that wakes up renews its credentials before it uses the bus again",
  ignore: !CAN_SHIFT || !hasNatsServer(),
  async fn() {
    await using clock = await ShiftedClock.make();
    await using at = await NatsStage.open(1, "--nats-credentials-ttl=2m");
    await at.startAgent("auto", { env: clock.env });
    const before = await at.carriedBy("nats");
    await clock.set(115);
    await tells(at.stage, ["connect nats", "wake", "refresh nats"]);
    await at.stage.statusWhen(
      "the bus is used with the new ones",
      ({ carrier, carrier_credentials: now }) =>
        carrier?.active === "nats" &&
        carrier.nats?.since !== before.carrier?.nats?.since &&
        now?.expires_at !== before.carrier_credentials?.expires_at,
    );
    await at.delivers("red");
    assert.deepEqual((await at.stage.status()).events.rejected, {});
  },
});
