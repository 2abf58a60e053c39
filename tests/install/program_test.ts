import assert from "node:assert/strict";
import { eventually } from "../scenarios/eventually.ts";
import { Stage } from "../scenarios/stage.ts";
import { makeRelease, makeReleaseKey } from "./make_release.ts";
import { pipeScript, run } from "./run_script.ts";
import { serveFolder } from "./serve_folder.ts";

/** The compiled program; without it a script stands in, and runs the source. */
const PROGRAM = Deno.env.get("PLEXD_BIN");

async function versionOf(program: string | undefined): Promise<string> {
  if (program === undefined) return "1.0.0";
  const { stdout } = await run([program, "--version"]);
  return /^plexd version (\S+)$/m.exec(stdout)?.[1] ?? "unknown";
}

const what = PROGRAM === undefined ? "the stand-in" : "the compiled program";

Deno.test(`what was installed below a prefix joins and serves: ${what}`, async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await stage.leaveToken();
  const releases = `${stage.folder}/releases`;
  await Deno.mkdir(releases);
  const key = makeReleaseKey();
  const keyFile = `${stage.folder}/key.pem`;
  await Deno.writeTextFile(keyFile, key.pem);
  const version = await versionOf(PROGRAM);
  await makeRelease({
    folder: releases,
    version,
    key,
    ...(PROGRAM === undefined ? {} : { program: PROGRAM }),
  });
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
  const left = await run(["find", prefix, "-type", "f"]);
  assert.equal(left.stdout, "");
});
