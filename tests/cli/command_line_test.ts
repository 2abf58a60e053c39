import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/commands.ts";
import { plexdCommand, runPlexd } from "./run_plexd.ts";

/** A folder for one test, with settings that reach nothing outside it. */
async function inFolder(
  work: (folder: string, flags: readonly string[]) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      data_dir: `${folder}/data`,
      seal: { key_file: `${folder}/machine.key` },
      registration: { token_file: `${folder}/token` },
      node_api: {
        socket_path: `${folder}/api.sock`,
        secrets_socket_path: `${folder}/secrets.sock`,
      },
    }),
  );
  try {
    await work(folder, ["--config", config]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("plexd help explains commands, not the words behind them", async () => {
  const { code, stdout, stderr } = await runPlexd(["help", "state", "nope"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /no command "state nope"\n.*plexd help state/);
});

Deno.test("plexd --version that cannot be written is one line, and exit 1", async () => {
  const { code, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", '"$@" >/dev/full', "sh", ...plexdCommand(["--version"])],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  assert.equal(code, 1);
  const said = new TextDecoder().decode(stderr);
  assert.match(said, /^plexd: No space left on device[^\n]*\n$/);
});

Deno.test("plexd without a command prints its help", async () => {
  const { code, stdout, stderr } = await runPlexd([]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^plexd keeps a node/);
});

for (const { name, summary } of COMMANDS) {
  Deno.test(`plexd ${name} --help explains the command`, async () => {
    const { code, stdout } = await runPlexd([...name.split(" "), "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /Examples:/);
    assert.ok(stdout.startsWith(`${summary}.`));
    assert.match(stdout, /Exit codes:/);
    assert.doesNotMatch(stdout, /die-with-stdin/);
  });
}

Deno.test("plexd --version prints version and runtime", async () => {
  const { code, stdout } = await runPlexd(["--version"]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^plexd version \S+\ncommit: .+\nbuilt: .+\nruntime: deno \d/,
  );
});

Deno.test("plexd version says it for programs, too", async () => {
  const { code, stdout } = await runPlexd(["version", "--output", "json"]);
  assert.equal(code, 0);
  assert.equal(typeof JSON.parse(stdout).version, "string");
});

Deno.test("plexd help COMMAND prints what plexd COMMAND --help prints", async () => {
  const asked = await runPlexd(["help", "store", "verify"]);
  const { stdout } = await runPlexd(["store", "verify", "--help"]);
  assert.deepEqual(asked, { code: 0, stdout, stderr: "" });
});

Deno.test("plexd help says which command was meant", async () => {
  const { code, stderr } = await runPlexd(["help", "statsu"]);
  assert.equal(code, 2);
  assert.match(stderr, /did you mean "plexd status"\?/);
});

Deno.test("a wrong word goes to stderr with exit code 2", async () => {
  const { code, stdout, stderr } = await runPlexd(["statsu"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /did you mean "plexd status"\?/);
});

for (
  const words of [
    ["status"],
    ["state"],
    ["state", "get", "data", "x"],
    ["state", "report", "x", "--data", "1"],
  ]
) {
  Deno.test(`plexd ${words.join(" ")} without an agent exits 4`, async () => {
    await inFolder(async (folder, flags) => {
      const { code, stderr } = await runPlexd([...words, ...flags]);
      assert.equal(code, 4);
      assert.match(stderr, new RegExp(`No agent is running on ${folder}`));
      assert.match(stderr, /plexd up/);
    });
  });
}

Deno.test("plexd --print-state without agent and state exits 3", async () => {
  await inFolder(async (_folder, flags) => {
    const { code, stdout, stderr } = await runPlexd([
      "--print-state",
      ...flags,
    ]);
    assert.equal(code, 3);
    assert.equal(stdout, "");
    assert.match(stderr, /no agent is running, and there is no state/);
  });
});

Deno.test("plexd up without a control plane exits 78 and writes nothing", async () => {
  await inFolder(async (folder, flags) => {
    const { code, stderr } = await runPlexd(["up", ...flags]);
    assert.equal(code, 78);
    assert.match(stderr, /api.base_url: is not set/);
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    assert.deepEqual(names, ["config.yaml"]);
  });
});

Deno.test("plexd up refuses plain http to another host", async () => {
  await inFolder(async (_folder, flags) => {
    const api = ["--api", "http://192.0.2.1"];
    const { code, stderr } = await runPlexd(["up", ...flags, ...api]);
    assert.equal(code, 78);
    assert.match(stderr, /api.base_url: /);
  });
});

Deno.test("plexd join without a token exits 77 and names every source", async () => {
  await inFolder(async (folder, flags) => {
    const api = ["--api", "http://127.0.0.1:1"];
    const { code, stderr } = await runPlexd(["join", ...flags, ...api]);
    assert.equal(code, 77);
    assert.ok(stderr.includes(`${folder}/token`));
    assert.match(stderr, /PLEXD_BOOTSTRAP_TOKEN/);
  });
});

Deno.test("a bad token is not repeated in the message", async () => {
  await inFolder(async (folder, flags) => {
    await Deno.writeTextFile(`${folder}/token`, "geheim\u00fc");
    const api = ["--api", "http://127.0.0.1:1"];
    const { code, stderr } = await runPlexd(["join", ...flags, ...api]);
    assert.equal(code, 77);
    assert.doesNotMatch(stderr, /geheim/);
    assert.match(stderr, /printable ASCII/);
  });
});

Deno.test("a wrong setting exits 78 with its line and column", async () => {
  await inFolder(async (folder) => {
    const config = `${folder}/wrong.yaml`;
    await Deno.writeTextFile(config, "api:\n  base_ulr: https://x\n");
    const { code, stderr } = await runPlexd(["up", "--config", config]);
    assert.equal(code, 78);
    assert.ok(stderr.includes(`${config}:2:3: unknown setting`), stderr);
  });
});

Deno.test("plexd control-plane refuses an address without a port", async () => {
  const { code, stderr } = await runPlexd([
    "control-plane",
    "--listen",
    "localhost",
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /--listen is HOST:PORT/);
});

Deno.test("plexd state report refuses what is not JSON", async () => {
  await inFolder(async (_folder, flags) => {
    const { code, stderr } = await runPlexd([
      "state",
      "report",
      "k",
      "--data",
      "{nope",
      ...flags,
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /--data is not JSON/);
  });
});
