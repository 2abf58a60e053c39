import assert from "node:assert/strict";
import { resolve } from "node:path";
import { eventually } from "../scenarios/eventually.ts";
import { Stage } from "../scenarios/stage.ts";
import { cleanRoot } from "./clean_root.ts";
import { makeRelease, makeReleaseKey, TREE } from "./make_release.ts";
import { pipeScript, run } from "./run_script.ts";
import { serveFolder } from "./serve_folder.ts";

/** The compiled program; without it a script stands in, and runs the source. */
const GIVEN = Deno.env.get("PLEXD_BIN");
const PROGRAM = GIVEN ? resolve(GIVEN) : undefined;

async function versionOf(program: string | undefined): Promise<string> {
  if (program === undefined) return "1.0.0";
  const { stdout } = await run([program, "--version"]);
  return /^plexd version (\S+)$/m.exec(stdout)?.[1] ?? "unknown";
}

const what = PROGRAM === undefined ? "the stand-in" : "the compiled program";

/** A server's folder, with a release of the program that is tested. */
const releases = Deno.makeTempDirSync({ prefix: "plexd-releases-" });
const keyFile = `${releases}/key.pem`;
const version = await versionOf(PROGRAM);
const key = makeReleaseKey();
Deno.writeTextFileSync(keyFile, key.pem);
await makeRelease({
  folder: releases,
  version,
  key,
  ...(PROGRAM === undefined ? {} : { program: PROGRAM }),
});
globalThis.addEventListener(
  "unload",
  () => Deno.removeSync(releases, { recursive: true }),
);

Deno.test(`what was installed below a prefix joins and serves: ${what}`, async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.leaveToken();
  await using server = serveFolder(releases);
  const prefix = `${stage.folder}/own`;
  const { code, stdout, stderr } = await pipeScript([
    ...["--base-url", server.url, "--key", keyFile, "--prefix", prefix],
    ...["--api", stage.url, "--token-file", stage.tokenFile],
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `plexd ${version} is installed\n`);

  const program = `${prefix}/bin/plexd`;
  const config = `--config=${prefix}/etc/plexd/config.yaml`;
  assert.ok(
    stderr.includes(`Start it with: ${program} up --config ${prefix}/etc`),
    stderr,
  );
  const agent = new Deno.Command(program, {
    args: ["up", config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const status = await eventually("the agent serves its node", async () => {
      const said = await run([program, "status", config, "--output=json"]);
      return said.code === 0 ? JSON.parse(said.stdout) : undefined;
    });
    assert.match(status.node_id, /^[0-9a-f-]{36}$/);
  } finally {
    agent.kill("SIGTERM");
    assert.equal((await agent.status).code, 0);
  }

  const upgraded = await run([program, "upgrade", "--prefix", prefix]);
  assert.equal(upgraded.code, 0, upgraded.stderr);
  assert.equal(upgraded.stdout, `plexd ${version} is installed already\n`);
  const gone = await run([program, "uninstall", "--purge", "--prefix", prefix]);
  assert.equal(gone.code, 0, gone.stderr);
  const left = await run(["find", prefix]);
  assert.equal(left.stdout, `${prefix}\n`);
});

Deno.test("what was installed for the whole machine runs as its user", async () => {
  if (PROGRAM === undefined) {
    // Its user may not reach what runs the source.
    // deno-lint-ignore no-console
    console.log("left out: PLEXD_BIN does not name a compiled program");
    return;
  }
  await using stage = await Stage.open();
  await using root = await cleanRoot({ withSystemd: false });
  if (!root) return;
  await stage.startControlPlane();
  await stage.leaveToken();
  await using server = serveFolder(releases);
  const { code, stdout, stderr } = await root.sh(`set -e
    sh -s -- --base-url ${server.url} --key ${keyFile} --api ${stage.url} \\
      --token-file ${stage.tokenFile} <${TREE}install.sh >&2
    setpriv --reuid=plexd --regid=plexd --init-groups plexd up >&2 &
    looks=0
    until plexd status --output json >/dev/null 2>&1; do
      looks=$((looks + 1))
      [ "$looks" -lt 300 ]
      sleep 0.1
    done
    stat -c '%a %U:%G %n' /run/plexd/*.sock /var/lib/plexd/clusters
    kill $!
    wait $!`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "660 plexd:plexd /run/plexd/api.sock",
    "660 plexd:plexd-secrets /run/plexd/secrets.sock",
    "700 plexd:plexd /var/lib/plexd/clusters",
  ]);
});
