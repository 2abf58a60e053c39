import assert from "node:assert/strict";
import { openDatagramSender } from "../../src/platform/datagram.ts";
import {
  type ServiceVariables,
  systemdManager,
  takeServiceVariables,
} from "../../src/platform/service_manager.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { ServiceSocket } from "../fakes/service_socket.ts";

function managerAt(notifySocket: string, more: Partial<ServiceVariables> = {}) {
  const sender = openDatagramSender("/tmp");
  assert.ok(sender, "deno.json asks for datagrams");
  const log = new MemoryLog();
  const manager = systemdManager({
    variables: {
      notifySocket,
      watchdogUsec: undefined,
      watchdogPid: undefined,
      ...more,
    },
    sender,
    pid: 4711,
    monotonicUsec: () => 12_345_678,
    log,
  });
  return { manager, log, [Symbol.dispose]: () => sender[Symbol.dispose]() };
}

Deno.test("systemdManager() sends one datagram for each thing to tell, in order", async () => {
  await using socket = await ServiceSocket.open();
  using opened = managerAt(socket.path);
  const { manager } = opened;
  manager.moreTime(1_500);
  manager.ready("ok");
  manager.alive();
  manager.status("degraded");
  manager.reloading("reading");
  manager.stopping("bye");
  await manager.told();
  await socket.hears((told) => told["STOPPING"] === "1");
  assert.deepEqual(socket.told, [
    { EXTEND_TIMEOUT_USEC: "1500000" },
    { READY: "1", STATUS: "ok" },
    { WATCHDOG: "1" },
    { STATUS: "degraded" },
    { RELOADING: "1", MONOTONIC_USEC: "12345678", STATUS: "reading" },
    { STOPPING: "1", STATUS: "bye" },
  ]);
});

Deno.test("systemdManager() lets no status begin a message of its own", async () => {
  await using socket = await ServiceSocket.open();
  using opened = managerAt(socket.path);
  opened.manager.status("refused: said\nMAINPID=1\r\nof ours");
  await socket.hears(() => true);
  assert.deepEqual(socket.told, [
    { STATUS: "refused: said MAINPID=1 of ours" },
  ]);
});

Deno.test("systemdManager() says once that nobody listens, and goes on", async () => {
  using opened = managerAt("/nowhere/notify");
  const { manager, log } = opened;
  manager.ready("ok");
  manager.alive();
  await manager.told();
  assert.equal(log.lines.length, 1);
  assert.equal(log.lines[0]?.fields["socket"], "/nowhere/notify");
});

Deno.test("openDatagramSender() leaves no name behind, and needs no permission but for files", async () => {
  await using socket = await ServiceSocket.open();
  const folder = await Deno.makeTempDir({ prefix: "plexd-datagram-" });
  const module = new URL("../../src/platform/datagram.ts", import.meta.url);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--unstable-net",
      `
      const { openDatagramSender } = await import("${module.href}");
      Deno.permissions.revokeSync({ name: "run" });
      const sender = openDatagramSender("${folder}");
      await sender.send(new TextEncoder().encode("READY=1"), "${socket.path}");
    `,
    ],
    env: { NO_COLOR: "1" },
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  await socket.hears((told) => told["READY"] === "1");
  // Not recursive: it must be empty.
  await Deno.remove(folder);
  assert.throws(() => openDatagramSender(folder), Deno.errors.NotFound);
});

const watchdogs = [
  { when: "it is set", watchdogUsec: "60000000", ms: 60_000 },
  {
    when: "it is for this process",
    watchdogUsec: "30000000",
    watchdogPid: "4711",
    ms: 30_000,
  },
  {
    when: "it is for another process",
    watchdogUsec: "30000000",
    watchdogPid: "1",
    ms: undefined,
  },
  { when: "it is not set", ms: undefined },
  { when: "it is off", watchdogUsec: "0", ms: undefined },
  { when: "it is no number", watchdogUsec: "soon", ms: undefined },
];
for (const { when, ms, ...variables } of watchdogs) {
  Deno.test(`systemdManager() waits ${ms} ms for a sign of life when ${when}`, () => {
    using opened = managerAt("/nowhere/notify", variables);
    assert.equal(opened.manager.watchdogMs, ms);
  });
}

Deno.test("takeServiceVariables() leaves nothing for children", () => {
  const names = new Map([
    ["NOTIFY_SOCKET", "/run/systemd/notify"],
    ["WATCHDOG_USEC", "60000000"],
    ["WATCHDOG_PID", "7"],
    ["HOME", "/"],
  ]);
  const env = {
    get: (name: string) => names.get(name),
    delete: (name: string) => void names.delete(name),
  };
  assert.deepEqual(takeServiceVariables(env), {
    notifySocket: "/run/systemd/notify",
    watchdogUsec: "60000000",
    watchdogPid: "7",
  });
  assert.deepEqual([...names.keys()], ["HOME"]);
  assert.equal(takeServiceVariables(env), undefined);
});
