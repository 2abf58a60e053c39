import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/config_error.ts";
import {
  type ConfigSources,
  inspectConfig,
  loadConfig,
} from "../../src/config/load_config.ts";

/** Loads configuration from the text of a file, given by a test. */
async function load(
  content: string | undefined,
  others: Partial<Pick<ConfigSources, "env" | "flags" | "lenient">> = {},
  mode = 0o600,
) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/config.yaml`;
  try {
    if (content !== undefined) {
      await Deno.writeTextFile(path, content, { mode });
      await Deno.chmod(path, mode);
    }
    return await loadConfig({
      file: { path, required: content !== undefined },
      env: others.env ?? {},
      flags: others.flags ?? {},
      lenient: others.lenient ?? false,
    });
  } catch (error) {
    if (error instanceof ConfigError) {
      const problems = error.problems.map(({ where, what }) => ({
        where: where.replace(path, "FILE"),
        what,
      }));
      throw new ConfigError(problems);
    }
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function problemsOf(
  ...args: Parameters<typeof load>
): Promise<readonly string[]> {
  try {
    await load(...args);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map(({ where, what }) => `${where}: ${what}`);
    }
    throw error;
  }
  return assert.fail("the configuration was accepted");
}

Deno.test("loadConfig() gives the seeds' defaults without a file", async () => {
  const { config, warnings } = await load(undefined);
  assert.equal(config["node_api.socket_path"], "/var/run/plexd/api.sock");
  assert.equal(config["node_api.http_enabled"], false);
  assert.equal(config["node_api.http_listen"], "127.0.0.1:9100");
  assert.equal(config["node_api.debounce_period"], 5_000);
  assert.equal(config["node_api.shutdown_timeout"], 5_000);
  assert.equal(config["api.connect_timeout"], 10_000);
  assert.equal(config["api.request_timeout"], 30_000);
  assert.equal(config["api.sse_idle_timeout"], 90_000);
  assert.equal(config["reconcile.interval"], 60_000);
  assert.equal(config["stream.polling_after"], 300_000);
  assert.equal(config["stream.max_event_bytes"], 4 * 2 ** 20);
  assert.equal(config["api.base_url"], undefined);
  assert.deepEqual(warnings, []);
});

Deno.test("loadConfig() lets flag win over environment over file", async () => {
  const file = "cluster: file\nlog_level: warn\ndata_dir: /file\n";
  const { config } = await load(file, {
    env: { PLEXD_CLUSTER: "env", PLEXD_LOG_LEVEL: "error" },
    flags: { cluster: "flag" },
  });
  assert.equal(config.cluster, "flag");
  assert.equal(config.log_level, "error");
  assert.equal(config.data_dir, "/file");
});

Deno.test("loadConfig() gives a configuration that nobody can change", async () => {
  const { config } = await load(undefined);
  assert.throws(() => {
    (config as { cluster: string }).cluster = "other";
  }, TypeError);
});

const wrong = [
  {
    when: "a name is misspelled",
    file: "api:\n  base_ulr: https://x\n",
    problem:
      'FILE:2:3: unknown setting "api.base_ulr"; did you mean "api.base_url"?',
  },
  {
    when: "a duration has no unit",
    file: "reconcile: {interval: 60}\n",
    problem:
      "FILE:1:23: reconcile.interval: expected a duration such as 10s or 1m30s, from 1s to 672h",
  },
  {
    when: "a duration is below its minimum",
    file: "reconcile: {interval: 500ms}\n",
    problem:
      "FILE:1:23: reconcile.interval: expected a duration such as 10s or 1m30s, from 1s to 672h",
  },
  {
    when: "a path is not absolute",
    file: "data_dir: here\n",
    problem: "FILE:1:11: data_dir: expected an absolute path",
  },
  {
    when: "a membership's name would leave its folder",
    file: "cluster: ../x\n",
    problem:
      "FILE:1:10: cluster: expected lower-case letters, digits, '.', '_' and '-', at most 63",
  },
  {
    when: "a URL carries a password",
    file: "api: {base_url: 'https://me:secret@host'}\n",
    problem:
      "FILE:1:17: api.base_url: expected a URL such as https://api.example.com, without user, query or fragment",
  },
  {
    when: "the file is a list",
    file: "- a\n",
    problem: "FILE: expected names and values",
  },
  {
    when: "the TCP listener has no token",
    file: "node_api: {http_enabled: true}\n",
    problem:
      "FILE:1:26: node_api.http_token_file: is needed when node_api.http_enabled is true",
  },
];

for (const { when, file, problem } of wrong) {
  Deno.test(`loadConfig() says where and what when ${when}`, async () => {
    assert.deepEqual(await problemsOf(file), [problem]);
  });
}

Deno.test("loadConfig() names every problem at once", async () => {
  const problems = await problemsOf("x: 1\ncluster: ''\n", {
    env: { PLEXD_LOG_LEVEL: "loud" },
  });
  assert.equal(problems.length, 3);
  assert.match(problems[2]!, /^PLEXD_LOG_LEVEL: log_level: expected one of/);
});

Deno.test("loadConfig() names a broken file and a wrong flag at once", async () => {
  const problems = await problemsOf("a: [", { flags: { log_level: "loud" } });
  assert.equal(problems.length, 2);
  assert.match(problems[0]!, /^FILE:\d+:\d+: /);
  assert.match(problems[1]!, /^--log-level: /);
});

Deno.test("loadConfig() does not guess what a wrong value would mean for others", async () => {
  const problems = await problemsOf(
    "node_api: {http_enabled: true, http_token_file: here}\n",
  );
  assert.deepEqual(problems, [
    "FILE:1:49: node_api.http_token_file: expected an absolute path",
  ]);
});

Deno.test("loadConfig() says which value was meant", async () => {
  const problems = await problemsOf(
    "log_level: wran\nactions: {enabled: yes}\nmetrics: {enabled: toString}\n",
  );
  assert.deepEqual(problems, [
    'FILE:1:12: log_level: expected one of debug, info, warn, error; did you mean "warn"?',
    'FILE:2:20: actions.enabled: expected true or false; did you mean "true"?',
    "FILE:3:20: metrics.enabled: expected true or false",
  ]);
});

Deno.test("loadConfig() names the line of a setting without a value", async () => {
  assert.match(
    (await problemsOf("a: 1\ncluster:\n"))[1]!,
    /^FILE:2:1: cluster/,
  );
});

for (
  const [first, second] of [
    [
      "api_url: https://old.example\n",
      "api: {base_url: https://new.example}\n",
    ],
    [
      "api: {base_url: https://new.example}\n",
      "api_url: https://old.example\n",
    ],
  ]
) {
  Deno.test(`loadConfig() prefers the right spelling in ${JSON.stringify(first! + second)}`, async () => {
    const { config, warnings } = await load(first! + second);
    assert.equal(config["api.base_url"], "https://new.example");
    assert.equal(warnings.length, 2);
    assert.match(
      warnings.join("\n"),
      /: "api\.base_url" is what .*:\d:17 says, not .*:\d:10$/m,
    );
  });
}

Deno.test("loadConfig() has nothing to say of two spellings that agree", async () => {
  const { warnings } = await load("data_dir: /d\nnode_api: {datadir: /d}\n");
  assert.equal(warnings.length, 1);
});

Deno.test("loadConfig() takes a file of the public agent", async () => {
  const { config, warnings } = await load([
    "mode: node",
    "api: {baseurl: https://api.example.com}",
    "registration: {datadir: /d, tokenfile: /t}",
    "node_api: {datadir: /d, secretauthenabled: true}",
    "heartbeat: {nodeid: n, interval: 10s}",
    "wireguard: {interfacename: plexd0}",
    "",
  ].join("\n"));
  assert.equal(config["api.base_url"], "https://api.example.com");
  assert.equal(config["data_dir"], "/d");
  assert.equal(config["registration.token_file"], "/t");
  assert.equal(config["heartbeat.interval"], 10_000);
  assert.equal(warnings.length, 8);
});

Deno.test("inspectConfig() tells where each value comes from", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "cluster: a\nreconcile: {interval: 90s}\n");
    const { origins, hasFile } = await inspectConfig({
      file: { path, required: true },
      env: { PLEXD_API: "https://a.example", PLEXD_CLUSTER: "b" },
      flags: { data_dir: "/d" },
    });
    assert.ok(hasFile);
    assert.deepEqual(Object.fromEntries(origins), {
      "cluster": { kind: "environment", where: "PLEXD_CLUSTER", written: "b" },
      "reconcile.interval": {
        kind: "file",
        where: `${path}:2:23`,
        written: "90s",
      },
      "data_dir": { kind: "flag", where: "--data-dir", written: "/d" },
      "api.base_url": {
        kind: "environment",
        where: "PLEXD_API",
        written: "https://a.example",
      },
    });
  } finally {
    await Deno.remove(path);
  }
});

for (
  const { when, sources, expected } of [
    { when: "is alone", sources: {}, expected: ["staging", "terminal"] },
    {
      when: "meets the environment",
      sources: { env: { PLEXD_CLUSTER: "b" } },
      expected: ["b", "environment"],
    },
    {
      when: "meets a flag",
      sources: { flags: { cluster: "c" } },
      expected: ["c", "flag"],
    },
    {
      when: "was made for another data folder",
      sources: { flags: { data_dir: "/other" } },
      expected: ["default", undefined],
    },
    {
      when: "meets a file that is simply there",
      sources: { text: "cluster: a\n" },
      expected: ["staging", "terminal"],
    },
    {
      when: "meets a file that was named",
      sources: { text: "cluster: a\n", required: true },
      expected: ["a", "file"],
    },
  ]
) {
  Deno.test(`inspectConfig() knows what counts when a terminal's choice ${when}`, async () => {
    const path = await Deno.makeTempFile();
    try {
      const { text = "", required = false, ...rest } = {
        text: "",
        required: false,
        ...sources,
      };
      await Deno.writeTextFile(path, text);
      const { config, origins } = await inspectConfig({
        file: { path, required },
        env: {},
        flags: {},
        terminal: { cluster: "staging", dataDir: "/var/lib/plexd" },
        ...rest,
      });
      assert.deepEqual(
        [config?.cluster, origins.get("cluster")?.kind],
        expected,
      );
    } finally {
      await Deno.remove(path);
    }
  });
}

Deno.test("loadConfig() names line and column of broken YAML, not its text", async () => {
  const problems = await problemsOf("registration:\n  token_value: 'psst\n");
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^FILE:\d+:\d+: /);
  assert.doesNotMatch(problems[0]!, /psst/);
});

Deno.test("loadConfig() refuses a key that stands twice", async () => {
  assert.match((await problemsOf("cluster: a\ncluster: b\n"))[0]!, /unique/);
});

const refused = [
  {
    when: "an alias could multiply",
    file: "registration: {metadata: {a: &x b, c: *x}}\n",
    problem: /^FILE:1:39: aliases are not supported$/,
  },
  {
    when: "a name is a map",
    file: "{a: 1}: 2\n",
    problem: /^FILE:1:1: a name must be a plain text$/,
  },
  {
    when: "a section is misspelled",
    file: "node_ap: {socket_path: /s}\n",
    problem: /^FILE:1:11: .* did you mean "node_api.socket_path"\?$/,
  },
  {
    when: "a section is unknown and empty",
    file: "nothing: {}\n",
    problem: /^FILE:1:1: unknown setting "nothing"$/,
  },
  {
    when: "a name is one that every object has",
    file: "toString: 1\n",
    problem: /^FILE:1:1: unknown setting "toString"$/,
  },
  {
    when: "a duration is beyond any sense",
    file: "reconcile: {interval: 99999999999h}\n",
    problem: /from 1s to 672h$/,
  },
  {
    when: "a port is none",
    file: "node_api: {http_listen: 'a:65536'}\n",
    problem: /expected host:port$/,
  },
  {
    when: "a size is none",
    file: "stream: {max_event_bytes: 1}\n",
    problem: /expected a size such as 4MiB, from 1KiB to 1GiB$/,
  },
  {
    when: "a map holds other things than texts",
    file: "registration: {metadata: {rack: 1}}\n",
    problem: /expected names with a text each$/,
  },
  {
    when: "the file is too large",
    file: "#".repeat(2 ** 20 + 1),
    problem: /^FILE: is larger than 1 MiB$/,
  },
];

for (const { when, file, problem } of refused) {
  Deno.test(`loadConfig() refuses a file when ${when}`, async () => {
    const problems = await problemsOf(file);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
  });
}

Deno.test("loadConfig() refuses a file that has no end", async () => {
  await assert.rejects(
    loadConfig({
      file: { path: "/dev/zero", required: true },
      env: {},
      flags: {},
    }),
    /larger than 1 MiB/,
  );
});

Deno.test("loadConfig() refuses a file that is no UTF-8", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array([0x61, 0xff]));
    const file = { path, required: true };
    await assert.rejects(loadConfig({ file, env: {}, flags: {} }), /no UTF-8/);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("loadConfig() takes a section whose settings are all commented out", async () => {
  assert.deepEqual((await load("api:\n  # base_url: x\n")).warnings, []);
});

Deno.test("loadConfig() gives another membership sockets of its own", async () => {
  const { config } = await load("cluster: blue\n");
  assert.equal(config["node_api.socket_path"], "/var/run/plexd-blue/api.sock");
  assert.equal(
    config["node_api.secrets_socket_path"],
    "/var/run/plexd-blue/secrets.sock",
  );
  const named = await load("cluster: blue\nnode_api: {socket_path: /s}\n");
  assert.equal(named.config["node_api.socket_path"], "/s");
});

Deno.test("loadConfig() knows the public agent's variables, ours first", async () => {
  const env = { PLEXD_API: "https://old", PLEXD_NODE_API_SOCKET: "/old" };
  const { config } = await load(undefined, {
    env: { ...env, PLEXD_API_BASE_URL: "https://new" },
  });
  assert.equal(config["api.base_url"], "https://new");
  assert.equal(config["node_api.socket_path"], "/old");
});

const aliases = [
  {
    file: "api: https://a.example\n",
    name: "api.base_url",
    value: "https://a.example",
  },
  {
    file: "api_url: https://a.example\n",
    name: "api.base_url",
    value: "https://a.example",
  },
  {
    file: "api: {baseurl: https://a.example}\n",
    name: "api.base_url",
    value: "https://a.example",
  },
  {
    file: "node_api: {socketpath: /s}\n",
    name: "node_api.socket_path",
    value: "/s",
  },
  { file: "token_file: /t\n", name: "registration.token_file", value: "/t" },
] as const;

for (const { file, name, value } of aliases) {
  Deno.test(`loadConfig() takes ${JSON.stringify(file)} with a warning`, async () => {
    const { config, warnings } = await load(file);
    assert.equal(config[name], value);
    assert.equal(warnings.length, 1);
  });
}

Deno.test("loadConfig() warns of settings that have no effect yet", async () => {
  const { warnings } = await load("tunnel: {max_sessions: 3}\n");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /"tunnel.max_sessions" has no effect/);
  const nat = "nat: {stun_servers: [stun.example.com:3478]}\n";
  assert.equal((await load(nat)).warnings.length, 1);
});

const addresses = [
  ["192.0.2.1:51820", true],
  ["[2001:db8::1]:51820", true],
  ["[::ffff:192.0.2.1]:80", true],
  ["192.0.2.1", false],
  ["192.0.2.1:0", false],
  ["192.0.2.1:65536", false],
  ["192.0.2.256:1", false],
  ["node.example.com:51820", false],
  ["2001:db8::1:51820", false],
  ["[fe80::1%eth0]:51820", false],
] as const;

for (const [address, valid] of addresses) {
  Deno.test(`loadConfig() ${valid ? "takes" : "refuses"} the public endpoint ${address}`, async () => {
    const file = `nat: {public_endpoint: "${address}"}\n`;
    if (!valid) return assert.match((await problemsOf(file))[0]!, /ip:port/);
    const { config } = await load(file);
    assert.equal(config["nat.public_endpoint"], address);
  });
}

Deno.test("loadConfig() reads whole numbers from file and environment, in their range", async () => {
  const { config } = await load("metrics: {batch_size: 7}\n");
  assert.equal(config["metrics.batch_size"], 7);
  const variable = { env: { PLEXD_METRICS_BATCH_SIZE: "9" } };
  assert.equal((await load("", variable)).config["metrics.batch_size"], 9);
  for (const wrong of ["0", "1.5", "10001", '"x"']) {
    const problems = await problemsOf(`metrics: {batch_size: ${wrong}}\n`);
    assert.match(problems[0]!, /a whole number from 1 to 10000/);
  }
});

Deno.test("loadConfig() refuses a token in a file that others can read", async () => {
  const file = "registration: {token_value: abc}\n";
  const problems = await problemsOf(file, {}, 0o644);
  assert.match(problems[0]!, /chmod it to 0600/);
  const { config } = await load(file, {}, 0o600);
  assert.equal(config["registration.token_value"], "abc");
});

Deno.test("loadConfig() keeps a map of texts as one setting", async () => {
  const { config } = await load("registration: {metadata: {rack: r1}}\n");
  assert.deepEqual(config["registration.metadata"], { rack: "r1" });
});

Deno.test("loadConfig() complains of a missing file only if it was asked for", async () => {
  const sources = { env: {}, flags: {} };
  const path = "/nonexistent/config.yaml";
  await loadConfig({ ...sources, file: { path, required: false } });
  await assert.rejects(
    loadConfig({ ...sources, file: { path, required: true } }),
    /there is no such file/,
  );
});

Deno.test("loadConfig() for a running agent warns of names that it does not know, and refuses wrong values all the same", async () => {
  const file = "heartbeat: { intervall: 5s }\nlog_level: warn\n";
  const { config, warnings } = await load(file, { lenient: true });
  assert.equal(config.log_level, "warn");
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0]!,
    /:1:14: unknown setting "heartbeat\.intervall"; did you mean/,
  );
  const wrong = "heartbeat: { interval: soon }\n";
  assert.equal((await problemsOf(wrong, { lenient: true })).length, 1);
});

Deno.test("loadConfig() for a running agent warns of names that it does not know, and refuses wrong values all the same", async () => {
  const file = "heartbeat: { intervall: 5s }\nlog_level: warn\n";
  const { config, warnings } = await load(file, { lenient: true });
  assert.equal(config.log_level, "warn");
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0]!,
    /:1:14: unknown setting "heartbeat\.intervall"; did you mean/,
  );
  const wrong = "heartbeat: { interval: soon }\n";
  assert.equal((await problemsOf(wrong, { lenient: true })).length, 1);
});
