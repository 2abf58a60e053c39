import assert from "node:assert/strict";
import { parse } from "yaml";
import { type Finished, runPlexd } from "../run_plexd.ts";

const TOKEN = "psb_c4n4ryc4n4ryc4n4ry";

/** Runs plexd beside a configuration file, for its owner only. */
async function withFile(
  content: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/plexd.yaml`;
  try {
    await Deno.writeTextFile(path, content, { mode: 0o600 });
    const words = args.map((word) => word.replaceAll("FILE", path));
    const { code, stdout, stderr } = await runPlexd(words, { env });
    return {
      code,
      stdout: stdout.replaceAll(path, "FILE"),
      stderr: stderr.replaceAll(path, "FILE"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("plexd config check names every mistake at once, with its place", async () => {
  const { code, stdout, stderr } = await withFile(
    [
      "api:",
      "  base_ulr: https://x",
      "log_level: wran",
      "reconcile: {interval: 60}",
      "node_api: {http_enabled: true}",
      "api_url: https://api.example.com",
      "",
    ].join("\n"),
    ["config", "check", "FILE"],
    { PLEXD_CLUSTR: "x" },
  );
  assert.equal(code, 78);
  assert.equal(stderr, "");
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    'FILE:2:3: error: unknown setting "api.base_ulr"; did you mean "api.base_url"?',
    'FILE:3:12: error: log_level: expected one of debug, info, warn, error; did you mean "warn"?',
    "FILE:4:23: error: reconcile.interval: expected a duration such as 10s or 1m30s, from 1s to 672h",
    "FILE:5:26: error: node_api.http_token_file: is needed when node_api.http_enabled is true",
    'FILE:6:1: warning: "api_url" is an old spelling of "api.base_url"',
    'PLEXD_CLUSTR: warning: has no effect; did you mean "PLEXD_CLUSTER"?',
    "FILE: 4 errors, 2 warnings",
  ]);
});

Deno.test("plexd config check takes old spellings, with a warning", async () => {
  const { code, stdout } = await withFile(
    "api_url: https://api.example.com\ndata_dir: /data\ncluster: blue\n",
    ["config", "check", "--config", "FILE"],
  );
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    'FILE:1:1: warning: "api_url" is an old spelling of "api.base_url"',
    "FILE: can be used, 1 warning",
    "",
    "Membership   /data/clusters/blue",
    "Local API    /var/run/plexd-blue/api.sock",
    "  secrets    /var/run/plexd-blue/secrets.sock",
  ]);
});

const atStart = [
  {
    when: "no control plane is named",
    file: "cluster: a\n",
    where: "api.base_url",
    what: /^is not set/,
  },
  {
    when: "plain http goes to another host",
    file: "api: {base_url: 'http://192.0.2.1'}\n",
    where: "FILE:1:17",
    what: /^api.base_url: .*plain http/,
  },
  {
    when: "a certificate cannot be read",
    file: "api: {base_url: 'https://a.example', ca_file: /none}\n",
    where: "FILE:1:47",
    what: /^api.ca_file: \/none cannot be read/,
  },
  {
    when: "a proxy is none",
    file: "api: {base_url: 'https://a.example'}\n",
    env: { HTTPS_PROXY: "::" },
    where: "HTTPS_PROXY",
    what: /no address of a proxy/,
  },
];

for (const { when, file, env = {}, where, what } of atStart) {
  Deno.test(`plexd config check finds what only the start would when ${when}`, async () => {
    const args = ["config", "check", "FILE", "--output", "json"];
    const { code, stdout } = await withFile(file, args, env);
    const { ok, errors } = JSON.parse(stdout);
    assert.equal(code, 78);
    assert.equal(ok, false);
    assert.equal(errors.length, 1);
    assert.equal(errors[0].where, where);
    assert.match(errors[0].what, what);
  });
}

Deno.test("plexd config check says that certificates are not checked", async () => {
  const { code, stdout } = await withFile(
    "api: {base_url: 'https://a.example', tls_insecure_skip_verify: true}\n",
    ["config", "check", "FILE", "--output", "json"],
  );
  assert.equal(code, 0);
  const { warnings } = JSON.parse(stdout);
  assert.equal(warnings[0].where, "FILE:1:64");
  assert.match(warnings[0].what, /is not checked/);
});

Deno.test("plexd config show tells where each value comes from", async () => {
  const { code, stdout } = await withFile(
    "cluster: blue\ndata_dir: /data\nreconcile: {interval: 90s}\n",
    ["config", "show", "--config", "FILE", "--log-level", "debug"],
    { PLEXD_API: "https://api.example.com" },
  );
  assert.equal(code, 0);
  const from = (name: string) =>
    stdout.split("\n").find((line) => line.startsWith(`${name} `))
      ?.split(/ {2,}/).slice(1);
  assert.deepEqual(from("cluster"), ["blue", "plexd.yaml:1:10"]);
  assert.deepEqual(from("reconcile.interval"), ["90s", "plexd.yaml:3:23"]);
  assert.deepEqual(from("log_level"), ["debug", "--log-level"]);
  assert.deepEqual(from("api.base_url"), [
    "https://api.example.com",
    "PLEXD_API",
  ]);
  assert.deepEqual(from("heartbeat.interval"), ["30s", "default"]);
  assert.match(stdout, /^Membership {3}\/data\/clusters\/blue$/m);
  assert.match(stdout, /^Local API {4}\/var\/run\/plexd-blue\/api.sock$/m);
});

for (const output of ["table", "json", "yaml"]) {
  Deno.test(`plexd config show --output ${output} masks the token`, async () => {
    const { code, stdout, stderr } = await withFile(
      `registration: {token_value: ${TOKEN}}\n`,
      ["config", "show", "--config", "FILE", "--output", output],
    );
    assert.equal(code, 0);
    assert.ok(!`${stdout}${stderr}`.includes(TOKEN));
    assert.match(stdout, /\*{8}/);
  });
}

Deno.test("plexd config show --changed leaves defaults out, in every form", async () => {
  const file = "cluster: blue\nstream: {max_event_bytes: 1MiB}\n";
  const show = (output: string) =>
    withFile(file, [
      "config",
      "show",
      "--changed",
      "--config",
      "FILE",
      "--output",
      output,
    ]);
  const { stdout } = await show("json");
  const document = JSON.parse(stdout);
  assert.deepEqual(document.settings, [
    { name: "cluster", value: "blue", from: "file", where: "FILE:1:10" },
    {
      name: "stream.max_event_bytes",
      value: "1MiB",
      from: "file",
      where: "FILE:2:27",
    },
  ]);
  assert.deepEqual(parse((await show("yaml")).stdout), document);
});

Deno.test("plexd config show refuses a wrong configuration as every command", async () => {
  const { code, stdout, stderr } = await withFile(
    "clutser: blue\n",
    ["config", "show", "--config", "FILE"],
  );
  assert.deepEqual([code, stdout], [78, ""]);
  assert.match(stderr, /FILE:1:1: .*did you mean "cluster"\?/);
});
