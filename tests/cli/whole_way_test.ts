import assert from "node:assert/strict";
import { AdminClient } from "../../src/cli/admin_client.ts";
import { type Finished, runPlexd } from "./run_plexd.ts";
import { ServedPlexd } from "./served_plexd.ts";

/** A running control plane and the settings of an agent for it. */
interface Place {
  readonly folder: string;
  readonly flags: readonly string[];
  readonly controlPlane: ServedPlexd;
  readonly admin: AdminClient;
  readonly run: (...words: string[]) => Promise<Finished>;
}

async function withControlPlane(work: (place: Place) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await using controlPlane = new ServedPlexd([
      "control-plane",
      "--listen=127.0.0.1:0",
      `--data-dir=${folder}/control-plane`,
      "--log-format=json",
      "--die-with-stdin",
    ]);
    const [, url = "", file = ""] = await controlPlane.writes(
      /\{"listening":"(\S+)","admin_token_file":"(\S+)"\}\n/,
    );
    const config = `${folder}/config.yaml`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        data_dir: `${folder}/agent`,
        api: { base_url: url },
        seal: { key_file: `${folder}/machine.key` },
        registration: { token_file: `${folder}/token` },
        node_api: {
          socket_path: `${folder}/api.sock`,
          secrets_socket_path: `${folder}/secrets.sock`,
          group: "",
          secrets_group: "",
        },
      }),
    );
    const flags = ["--config", config];
    const admin = new AdminClient(
      url,
      async () => (await Deno.readTextFile(file)).trim(),
    );
    const run = (...words: string[]) => runPlexd([...words, ...flags]);
    await work({ folder, flags, controlPlane, admin, run });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function join({ admin, flags }: Place): Promise<string> {
  const answer = await admin.call("POST", "/tokens", { ttl: "10m" });
  assert.ok(typeof answer === "object" && answer && "token" in answer);
  const { code, stdout, stderr } = await runPlexd(
    ["join", "--token-file", "-", ...flags],
    { stdin: `${answer.token}\n` },
  );
  assert.equal(code, 0, stderr);
  const nodeId = /^node_id: (\S+)\nmesh_ip: \S+\n$/.exec(stdout)?.[1];
  assert.ok(nodeId, stdout);
  return nodeId;
}

Deno.test("plexd join, up, state, report, status and --print-state work together", async () => {
  await withControlPlane(async (place) => {
    const { admin, flags, run } = place;
    const nodeId = await join(place);
    const node = `/nodes/${nodeId}`;
    await admin.call("PUT", `${node}/metadata/region`, { value: "eu-1" });
    await admin.call("PUT", `${node}/secrets/pw`, { value: "canary-7f3a" });

    const again = await run("join");
    assert.equal(again.code, 0);
    assert.match(again.stderr, /has joined already/);
    assert.ok(again.stdout.includes(nodeId));

    await using agent = new ServedPlexd(["up", "--die-with-stdin", ...flags]);
    await agent.writes(/Local API is listening/);
    await agent.writes(/Drift corrected|Event applied/);

    const region = await run("state", "get", "metadata", "region");
    assert.match(region.stdout, /"eu-1"/);
    const report = await run("state", "report", "h", "--data", '{"n":1.0}');
    assert.equal(report.code, 0, report.stderr);
    assert.equal(report.stdout, "report h written\n");
    const got = await run("state", "get", "report", "h");
    assert.match(got.stdout, /"n": 1\.0\n/);
    const absent = await run("state", "get", "data", "none");
    assert.equal(absent.code, 3);
    assert.match(absent.stderr, /data\/none not found/);
    const table = await run("state", "--output", "table");
    assert.match(table.stdout, /^report +h +1 +(pending|synced)$/m);
    const status = await run("status");
    assert.equal(status.code, 0, status.stderr);
    assert.ok(status.stdout.includes(nodeId));
    const json = await run("status", "--output", "json");
    assert.equal(JSON.parse(json.stdout).node_id, nodeId);
    const live = await run("--print-state");
    assert.equal(live.code, 0, live.stderr);
    assert.equal(live.stderr, "");
    assert.match(live.stdout, /"key": "h"/);

    const second = await run("up");
    assert.equal(second.code, 75);
    assert.match(second.stderr, /is already using/);

    assert.equal(await agent.stop("SIGTERM"), 0);
    const stored = await run("--print-state");
    assert.equal(stored.code, 0, stored.stderr);
    assert.match(stored.stderr, /no agent is running/);
    assert.match(stored.stdout, /"key": "h"/);
    assert.doesNotMatch(live.stdout + stored.stdout, /canary-7f3a/);
    assert.equal(await place.controlPlane.stop("stdin"), 0);
  });
});

Deno.test("plexd join with an unknown token exits 77 and says to get another", async () => {
  await withControlPlane(async (place) => {
    const { admin, folder, run } = place;
    const answer = await admin.call("POST", "/tokens", { ttl: "10m" });
    assert.ok(typeof answer === "object" && answer && "token" in answer);
    await Deno.writeTextFile(`${folder}/token`, `${answer.token}x`);
    const { code, stderr } = await run("join");
    assert.equal(code, 77);
    assert.match(stderr, /ask for a fresh one/);
    assert.ok(!stderr.includes(String(answer.token)));
  });
});

Deno.test("plexd control-plane names its address for people, and SIGINT ends it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["control-plane", "--listen=127.0.0.1:0"];
    await using one = new ServedPlexd([...args, "--data-dir", folder]);
    await one.writes(/^The control plane is up at http:\/\/127\.0\.0\.1:\d+$/m);
    await one.writes(/^Its admin token is in \/\S+$/m);
    const second = await runPlexd([...args, "--data-dir", folder]);
    assert.equal(second.code, 75);
    assert.equal(await one.stop("SIGINT"), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a command that is no server ends at once on SIGINT", async () => {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/api.sock`;
  const listener = Deno.listen({ transport: "unix", path: socket });
  try {
    await using asking = new ServedPlexd(["status"], {
      PLEXD_NODE_API_SOCKET_PATH: socket,
    });
    using _taken = await listener.accept();
    assert.equal(await asking.stop("SIGINT"), 130);
  } finally {
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

const wrongFlags = [
  {
    words: ["status", "--output", "xml"],
    says: /--output is table, json or yaml/,
  },
  { words: ["up", "--log-level", "loud"], says: /--log-level: .*one of debug/ },
  {
    words: ["control-plane", "--log-level", "loud"],
    says: /--log-level: .*one of debug/,
  },
  { words: ["up", "--cluster", "../x"], says: /--cluster: / },
];
for (const { words, says } of wrongFlags) {
  Deno.test(`plexd ${words.join(" ")} is wrong usage`, async () => {
    const { code, stdout, stderr } = await runPlexd(words);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, says);
  });
}

Deno.test("a path given as a flag is meant from the current folder", async () => {
  const folder = `nowhere-${crypto.randomUUID()}`;
  const { code, stderr } = await runPlexd(
    ["--print-state", "--data-dir", folder],
    { env: { PLEXD_NODE_API_SOCKET_PATH: "/nonexistent/api.sock" } },
  );
  assert.equal(code, 3);
  assert.ok(stderr.includes(`${Deno.cwd()}/${folder}`), stderr);
});
