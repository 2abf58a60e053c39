import assert from "node:assert/strict";
import { ServiceSocket } from "../fakes/service_socket.ts";
import { Stage } from "./stage.ts";

/** Signs of life are due each third of this. */
const WATCHDOG_USEC = "900000";

async function openStage() {
  const stage = await Stage.open();
  const socket = await ServiceSocket.open();
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC };
  return {
    stage,
    socket,
    env,
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      await socket[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an agent without a token is ready for systemd, says what it waits for, and joins", async () => {
  await using opened = await openStage();
  const { stage, socket, env } = opened;
  await stage.startControlPlane();
  await stage.spawnAgent({ env });
  await socket.hears((told) => told["EXTEND_TIMEOUT_USEC"] === "900000");
  const waiting = await socket.hears((told) => told["READY"] === "1");
  assert.equal(
    socket.told[waiting]!["STATUS"],
    'not enrolled: waiting for a bootstrap token, or for "plexd join"',
  );
  await socket.hears((told) => told["WATCHDOG"] === "1", waiting);

  await stage.leaveToken();
  const ready = await socket.hears(
    (told) => told["READY"] === "1",
    waiting + 1,
  );
  assert.match(socket.told[ready]!["STATUS"]!, /^(ok|degraded: .*); .*node /);
  await stage.stopAgent();
  await socket.hears((told) => told["STOPPING"] === "1", ready);
});

Deno.test("an agent is ready for systemd when its sockets are open and its state is loaded", async () => {
  await using opened = await openStage();
  const { stage, socket, env } = opened;
  await stage.startControlPlane();
  await stage.leaveToken();
  await stage.spawnAgent({ env });
  const ready = await socket.hears((told) => told["READY"] === "1");
  assert.match(socket.told[ready]!["STATUS"]!, /^(ok|degraded: .*); .*node /);
  const { node_id } = await stage.status();
  assert.ok(socket.told[ready]!["STATUS"]!.endsWith(`node ${node_id}`));
  await socket.hears((told) => told["WATCHDOG"] === "1", ready);

  await stage.stopAgent();
  await socket.hears((told) => told["STOPPING"] === "1", ready);
});

Deno.test("an agent whose socket is gone gives no signs of life until it answers again", async () => {
  await using opened = await openStage();
  const { stage, socket, env } = opened;
  await stage.startControlPlane();
  await stage.leaveToken();
  await stage.startAgent({ env });
  await Deno.rename(stage.socket, `${stage.socket}.away`);
  await stage.agent.writes(/Sign of life withheld/);
  const withheld = await socket.hears(
    (told) => told["STATUS"]?.startsWith("the local API does not") ?? false,
  );
  await Deno.rename(`${stage.socket}.away`, stage.socket);
  const alive = await socket.hears(
    (told) => told["WATCHDOG"] === "1",
    withheld,
  );
  assert.ok(alive > withheld);
  await stage.stopAgent();
});
