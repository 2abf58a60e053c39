import assert from "node:assert/strict";
import { Stage } from "../scenarios/stage.ts";
import { listenersOf } from "./listeners.ts";

/** 127.0.0.1, as the kernel writes it on a little-endian machine. */
const LOOPBACK = "0100007F";

Deno.test("agent and control plane listen where they are told, and nowhere else", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.leaveToken();
  await stage.startAgent();
  await stage.statusWhen(
    "streaming",
    ({ stream }) => stream.state === "streaming",
  );
  const run = `${stage.folder}/run`;
  // A socket gets its name once it has its mode; the kernel keeps the first.
  const listeners = listenersOf(stage.agent.pid)
    .map((text) => text.replace(/\/\.[^/.]+\/s$/, ""));
  assert.deepEqual(listeners, [`unix ${run}`, `unix ${run}`]);
  const names = [...Deno.readDirSync(run)].map(({ name }) => name);
  assert.deepEqual(names.sort(), ["api.sock", "secrets.sock"]);
  assert.deepEqual(listenersOf(stage.controlPlanePid), [
    `tcp ${LOOPBACK} ${new URL(stage.url).port}`,
  ]);
});
