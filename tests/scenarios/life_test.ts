import assert from "node:assert/strict";
import { runPlexd } from "../cli/run_plexd.ts";
import { dial, write } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { listing } from "./files.ts";
import { Stage } from "./stage.ts";

for (const dialect of [1, 2] as const) {
  Deno.test(`a second plexd up exits 75 at once, names the first, and leaves it alone, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { pid } = await stage.startAgent();
    const second = await stage.run("up");
    assert.equal(second.code, 75, second.stderr);
    assert.match(second.stderr, new RegExp(`\\b${pid}\\b`));
    assert.equal((await stage.status()).pid, pid);
    // Nor may another command that writes.
    const repairing = await stage.run("store", "repair");
    assert.equal(repairing.code, 75, repairing.stderr);
    await stage.stopAgent();
  });

  Deno.test(`SIGTERM ends the agent with exit code 0 and leaves no socket and no temporary file, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    await stage.startAgent();
    await stage.statusWhen("it streams", (s) => s.stream.state === "streaming");
    for (const path of [stage.socket, stage.secretsSocket]) {
      assert.ok((await Deno.lstat(path)).isSocket);
    }
    // Someone who never ends his request must not hold it up.
    using slow = await dial(stage.socket);
    await write(slow, new TextEncoder().encode("PUT /v1/state/report/x HTTP/"));
    await stage.stopAgent();
    assert.deepEqual(listing(`${stage.folder}/run`), []);
    assert.deepEqual(listing(`${stage.membership}/tmp`), []);
    const asked: readonly (readonly string[])[] = [["status"], ["state"], [
      "state",
      "get",
      "metadata",
      "zone",
    ]];
    for (const words of asked) {
      const { code, stdout, stderr } = await stage.run(...words);
      assert.equal(code, 4, `${words}: ${stderr}`);
      // What the disk knows, where a status was asked for; else nothing.
      if (words[0] === "status") assert.match(stdout, /is not running/);
      else assert.equal(stdout, "");
      assert.match(stderr, /plexd up/, "it does not say what to do");
    }
  });

  Deno.test(`SIGTERM ends an agent whose control plane has gone silent, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    await stage.startAgent();
    await stage.stopAgent();
    // It takes every connection and never says a word.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const taken: Deno.Conn[] = [];
    const taking = (async () => {
      for await (const connection of silent) taken.push(connection);
    })();
    try {
      const url = `http://127.0.0.1:${silent.addr.port}`;
      await stage.startAgent({ url });
      await eventually("calls hang", () => taken.length >= 2 || undefined);
      await stage.stopAgent();
      assert.deepEqual(listing(`${stage.folder}/run`), []);
    } finally {
      silent.close();
      await taking;
      for (const connection of taken) connection.close();
    }
  });
}

Deno.test("SIGTERM ends an agent that is still trying to join", async () => {
  await using stage = await Stage.open();
  await Deno.writeTextFile(stage.tokenFile, "plx_some_token", { mode: 0o600 });
  const agent = await stage.spawnAgent({ url: "http://127.0.0.1:9" });
  await agent.writes(/Registration failed, trying again/);
  assert.equal(await agent.stop("SIGTERM"), 0);
  assert.equal(await Deno.readTextFile(stage.tokenFile), "plx_some_token");
});

Deno.test("plexd status and state without any agent exit 4, join without a token 77", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const env = {
      PLEXD_NODE_API_SOCKET_PATH: `${folder}/api.sock`,
      PLEXD_API_BASE_URL: "http://127.0.0.1:9",
      PLEXD_DATA_DIR: `${folder}/agent`,
      PLEXD_SEAL_KEY_FILE: `${folder}/machine.key`,
      PLEXD_REGISTRATION_TOKEN_FILE: `${folder}/token`,
    };
    for (const command of ["status", "state"]) {
      assert.equal((await runPlexd([command], { env })).code, 4);
    }
    const { code, stderr } = await runPlexd(["join"], { env });
    assert.equal(code, 77, stderr);
    assert.ok(stderr.includes(`${folder}/token`), stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
