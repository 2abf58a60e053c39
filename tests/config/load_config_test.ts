import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/config_error.ts";
import {
  type ConfigSources,
  loadConfig,
} from "../../src/config/load_config.ts";

/** Loads configuration from the text of a file, given by a test. */
async function load(
  content: string | undefined,
  others: Partial<Pick<ConfigSources, "env" | "flags">> = {},
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
      "FILE:1:13: reconcile.interval: expected a duration such as 10s or 1m30s, at least 1s",
  },
  {
    when: "a duration is below its minimum",
    file: "reconcile: {interval: 500ms}\n",
    problem:
      "FILE:1:13: reconcile.interval: expected a duration such as 10s or 1m30s, at least 1s",
  },
  {
    when: "a path is not absolute",
    file: "data_dir: here\n",
    problem: "FILE:1:1: data_dir: expected an absolute path",
  },
  {
    when: "a membership's name would leave its folder",
    file: "cluster: ../x\n",
    problem:
      "FILE:1:1: cluster: expected lower-case letters, digits, '.', '_' and '-', at most 63",
  },
  {
    when: "a URL carries a password",
    file: "api: {base_url: 'https://me:secret@host'}\n",
    problem:
      "FILE:1:7: api.base_url: expected a URL such as https://api.example.com, without user, query or fragment",
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
      "node_api.http_token_file: is needed when node_api.http_enabled is true",
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

Deno.test("loadConfig() names line and column of broken YAML, not its text", async () => {
  const problems = await problemsOf("registration:\n  token_value: 'psst\n");
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^FILE:\d+:\d+: /);
  assert.doesNotMatch(problems[0]!, /psst/);
});

Deno.test("loadConfig() refuses a key that stands twice", async () => {
  assert.match((await problemsOf("cluster: a\ncluster: b\n"))[0]!, /unique/);
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
  const { warnings } = await load("metrics: {enabled: true}\n");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /"metrics.enabled" has no effect/);
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
