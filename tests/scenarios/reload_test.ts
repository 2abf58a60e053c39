import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { EventsDocument } from "../../src/wire/transitions.ts";
import { ServiceSocket } from "../fakes/service_socket.ts";
import { eventually } from "./eventually.ts";
import { type AgentOptions, Stage } from "./stage.ts";

/** A stage with a running agent that has joined. */
async function running(
  options: AgentOptions = {},
  dialect: Dialect = 1,
): Promise<Stage> {
  const stage = await Stage.open(dialect);
  try {
    await stage.startControlPlane();
    await stage.leaveToken();
    await stage.startAgent(options);
    return stage;
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
}

/** Changes the file and has the agent read it. @returns what it says of it. */
async function reload(
  stage: Stage,
  options: AgentOptions,
  says: RegExp,
): Promise<string> {
  await stage.configure(options);
  stage.agent.signal("SIGHUP");
  return (await stage.agent.writes(says))[0];
}

/** Waits until its sockets are open for the second time. */
async function opensAgain(stage: Stage): Promise<void> {
  await stage.agent.writes(
    /Local API is listening[\s\S]*Local API is listening/,
  );
}

/** What the agent has noted of its reloads. */
async function reloadsOf(stage: Stage): Promise<(string | undefined)[]> {
  const document: EventsDocument = JSON.parse(await stage.read("/v1/events"));
  return document.events
    .filter(({ type }) => type === "reload")
    .map(({ reason }) => reason);
}

const READ = /.*"Configuration read anew".*/;
const REFUSED = /.*"Configuration not read anew, .*/;

Deno.test("SIGHUP applies what has changed, says so, and goes on in the same process", async () => {
  await using socket = await ServiceSocket.open();
  const env = { NOTIFY_SOCKET: socket.path };
  await using stage = await running({ env });
  const { pid, node_id } = await stage.status();
  await stage.local("/v1/state/report/kept", {
    method: "PUT",
    body: '{"content_type":"text/plain","payload":"1"}',
  });
  const ready = await socket.hears((told) => told["READY"] === "1");

  const said = await reload(
    stage,
    { settings: { reconcile: { interval: "2s" } } },
    READ,
  );
  assert.match(said, /"reconcile\.interval: 1s -> 2s"/);
  const reloading = await socket.hears(
    (told) => told["RELOADING"] === "1",
    ready,
  );
  assert.match(socket.told[reloading]!["MONOTONIC_USEC"]!, /^\d+$/);
  await socket.hears((told) => told["READY"] === "1", reloading);
  await opensAgain(stage);

  const status = await stage.statusWhen(
    "it streams again",
    (status) => status.stream.state === "streaming",
  );
  assert.equal(status.pid, pid);
  assert.equal(status.node_id, node_id);
  assert.equal(status.state.reports, 1);
  assert.deepEqual(await reloadsOf(stage), ["reconcile.interval"]);
  await stage.stopAgent();
});

Deno.test("SIGHUP with a file that is wrong changes nothing and says where it is wrong", async () => {
  await using stage = await running();
  const before = await Deno.stat(stage.socket);
  await stage.configure();
  await Deno.writeTextFile(`${stage.folder}/agent.yaml`, "api: [\n");
  stage.agent.signal("SIGHUP");
  const [said] = await stage.agent.writes(REFUSED);
  assert.match(said, /agent\.yaml:\d+:\d+/);
  assert.equal((await Deno.stat(stage.socket)).ino, before.ino);
  const [reason = ""] = await reloadsOf(stage);
  assert.match(reason, /^refused: .*agent\.yaml/);
  // Whoever asks is answered, however often it was in vain.
  for (let lines = 1; lines <= 12; lines++) {
    await Deno.writeTextFile(
      `${stage.folder}/agent.yaml`,
      "\n".repeat(lines) + "api: [\n",
    );
    stage.agent.signal("SIGHUP");
    await stage.agent.writes(
      new RegExp(
        `"error".*"Configuration not read.*agent\\.yaml:${lines + 2}:`,
      ),
    );
  }
  await stage.stopAgent();
});

Deno.test("SIGHUP with a control plane that may not be asked changes nothing", async () => {
  await using stage = await running();
  await reload(stage, { url: "http://192.0.2.1:1" }, REFUSED);
  const { control_plane } = await stage.statusWhen(
    "it streams",
    (status) => status.stream.state === "streaming",
  );
  assert.equal(control_plane, stage.url);
  await stage.stopAgent();
});

Deno.test("SIGHUP warns of names that it does not know, and of settings that need another process", async () => {
  await using stage = await running();
  const said = await reload(
    stage,
    {
      settings: {
        colour: { scheme: "dark" },
        store: { snapshots_kept: 5 },
        heartbeat: { interval: "3s" },
      },
    },
    READ,
  );
  assert.doesNotMatch(said, /snapshots_kept/);
  await stage.agent.writes(/.*unknown setting \\"colour\.scheme\\".*/);
  const [kept] = await stage.agent.writes(
    /.*stay until the process is started again.*/,
  );
  await opensAgain(stage);
  assert.match(kept, /store\.snapshots_kept: 3 -> 5/);
  await stage.stopAgent();
});

Deno.test("SIGHUP changes the level of the log without touching anything else", async () => {
  const logFlags = ["--log-format=json"];
  await using stage = await running({ logFlags });
  const before = await Deno.stat(stage.socket);
  assert.doesNotMatch(stage.agent.output, /"level":"debug"/);
  const path = `${stage.folder}/agent.yaml`;
  const settings = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(
    path,
    JSON.stringify({ ...settings, log_level: "debug" }),
  );
  stage.agent.signal("SIGHUP");
  await stage.agent.writes(READ);
  await stage.agent.writes(/"level":"debug"/);
  assert.equal((await Deno.stat(stage.socket)).ino, before.ino);
  await stage.stopAgent();
});

Deno.test("SIGHUP goes back to what was when the new settings do not work", async () => {
  await using stage = await running();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tokenFile = `${stage.folder}/http-token`;
  await Deno.writeTextFile(tokenFile, "x".repeat(40), { mode: 0o600 });
  await reload(
    stage,
    {
      settings: {
        node_api: {
          http_enabled: true,
          http_listen: `127.0.0.1:${taken.addr.port}`,
          http_token_file: tokenFile,
        },
      },
    },
    /.*"The new configuration does not work, the former one is back".*/,
  );
  taken.close();
  await opensAgain(stage);
  await stage.statusWhen("it streams", (s) => s.stream.state === "streaming");
  await stage.stopAgent();
});

for (const dialect of [1, 2] as const) {
  Deno.test(`SIGHUP moves the socket, and announces the node anew, dialect ${dialect}`, async () => {
    await using stage = await running({}, dialect);
    const { node_id } = await stage.status();
    const moved = `${stage.folder}/run/moved.sock`;
    const endpoint = "192.0.2.7:51820";
    await reload(
      stage,
      {
        settings: {
          node_api: { socket_path: moved },
          nat: { public_endpoint: endpoint },
        },
      },
      READ,
    );
    await opensAgain(stage);
    await stage.agent.writes(new RegExp(`Local API is listening.*${moved}`));
    await assert.rejects(Deno.stat(stage.socket), Deno.errors.NotFound);
    await eventually("the control plane knows the endpoint", async () => {
      const node = await stage.admin.call("GET", `/nodes/${node_id}`);
      return JSON.stringify(node).includes(endpoint) || undefined;
    });
    await stage.stopAgent();
  });
}

Deno.test("SIGHUP adds no actions to an agent that has given up starting programs", async () => {
  await using stage = await running();
  await reload(
    stage,
    {
      settings: {
        actions: { enabled: true, commands: { greet: "/bin/true" } },
      },
    },
    READ,
  );
  const [kept] = await stage.agent.writes(
    /.*stay until the process is started again.*/,
  );
  assert.match(kept, /actions\.enabled: false -> true/);
  assert.match(kept, /actions\.commands: \{\} -> /);
  await opensAgain(stage);
  await stage.stopAgent();
});
