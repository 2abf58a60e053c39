import assert from "node:assert/strict";
import { write } from "../../src/cli/write.ts";
import { FakeSources } from "../node_api/fake_sources.ts";
import { httpSettings, startApi } from "../node_api/running_api.ts";

/** The first Node with what the client needs. */
const OLDEST = [20, 16];

/** The version of `node`, or why it cannot be used here. */
async function nodeVersion(): Promise<string> {
  try {
    const { stdout } = await new Deno.Command("node", { args: ["--version"] })
      .output();
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    return `node does not start: ${error}`;
  }
}

async function run(command: string, args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    // What bundles may have to be loaded through a proxy of the site.
    env: { DENO_TLS_CA_STORE: "mozilla,system" },
  }).output();
  const [told, complaint] = [stdout, stderr]
    .map((bytes) => new TextDecoder().decode(bytes));
  return { success, told: told!, complaint: complaint! };
}

/** Outside CI a machine may lack what this test works with. */
function skip(why: string): void {
  assert.notEqual(Deno.env.get("CI"), "true", why);
  write(Deno.stderr, `skipped: ${why}`);
}

const PROGRAM = `
import { ApiError, LocalCallError, PlexdClient } from "./client.js";
const [, , socket, url, bearer, nowhere] = process.argv;
const told = {};
for (const target of [socket, { url, bearer }]) {
  const client = new PlexdClient(target);
  const written = await client.putReport("health", { sunny: "☀" });
  const { value } = await client.report("health");
  const missing = await client.metadataValue("a/b").catch((error) => error);
  const watching = client.watch();
  const first = await watching.next();
  await watching.return();
  told[typeof target] = [
    written.value.version,
    value.payload,
    missing instanceof ApiError && missing.status,
    first.value.type,
  ];
}
const away = await new PlexdClient(nowhere).state().catch((error) => error);
told.away = away instanceof LocalCallError && away.kind;
console.log(JSON.stringify(told));
`;

Deno.test("the client runs in Node, bundled", async () => {
  const version = await nodeVersion();
  const [major = 0, minor = 0] = (/^v(\d+)\.(\d+)/.exec(version) ?? [])
    .slice(1).map(Number);
  const isThere = major > OLDEST[0]! ||
    (major === OLDEST[0] && minor >= OLDEST[1]!);
  if (!isThere) {
    return skip(`there is no Node from 20.16 on: ${version}`);
  }
  const token = "t0ken";
  await using api = await startApi(
    new FakeSources(),
    (folder) => httpSettings(folder, token),
  );
  const { folder, socket } = api;
  const module = new URL("../../src/client/mod.ts", import.meta.url).pathname;
  const bundled = await run(Deno.execPath(), [
    "bundle",
    "--quiet",
    `--output=${folder}/client.js`,
    module,
  ]);
  if (/failed to download esbuild/.test(bundled.complaint)) {
    return skip("this Deno cannot load what it bundles with");
  }
  assert.ok(bundled.success, bundled.complaint);
  await Deno.writeTextFile(`${folder}/package.json`, '{"type":"module"}');
  await Deno.writeTextFile(`${folder}/program.js`, PROGRAM);
  const url = `http://127.0.0.1:${api.api.httpPort}`;
  const { told, complaint } = await run("node", [
    `${folder}/program.js`,
    socket,
    url,
    token,
    `${folder}/none.sock`,
  ]);
  assert.equal(complaint, "");
  assert.deepEqual(JSON.parse(told), {
    string: [1, { sunny: "☀" }, 404, "hello"],
    object: [2, { sunny: "☀" }, 404, "hello"],
    away: "not_running",
  });
});
