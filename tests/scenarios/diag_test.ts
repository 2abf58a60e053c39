import assert from "node:assert/strict";
import { runPlexd } from "../cli/run_plexd.ts";
import { untar } from "../cli/diag/untar.ts";
import { readIdentity } from "../../src/store/read_identity.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { Stage } from "./stage.ts";

/** In everything that must not leave the node. */
const CANARY = "canary-4b1d";

Deno.test("a bundle tells how the node is, with and without its agent, and holds no canary", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await Deno.writeTextFile(
    `${stage.folder}/http-token`,
    `${CANARY}-http`,
    { mode: 0o600 },
  );
  const token = await stage.leaveToken();
  const { node_id } = await stage.startAgent({
    settings: {
      registration: {
        metadata: { note: `${CANARY}-metadata` },
        hostname: `${CANARY}-host`,
      },
      node_api: { http_token_file: `${stage.folder}/http-token` },
    },
  });
  const node = `/nodes/${node_id}`;
  await stage.admin.call("PUT", `${node}/secrets/pw`, {
    value: `${CANARY}-secret`,
  });
  await stage.admin.call("PUT", `${node}/data/motd`, {
    content_type: "text/plain",
    payload: `${CANARY}-data`,
  });
  await stage.admin.call("PUT", `${node}/metadata/region`, {
    value: `${CANARY}-value`,
  });
  await stage.run("state", "report", "r", "--data", `"${CANARY}-report"`);
  await stage.statusWhen(
    "all of it is there",
    ({ state }) =>
      state.secrets + state.data + state.metadata + state.reports === 4,
  );
  await stage.run("secrets", "get", "pw");
  // A new token lies where the agent would look for one.
  const next = await stage.leaveToken();
  const random = new FakeRandom();
  const seal = () =>
    loadSealKey({ keyFile: stage.keyFile, create: false, random });
  const place = { dataDir: stage.dataDir, cluster: "default", seal };
  const { nodeSecretKey } = (await readIdentity(place))!;
  const hidden = [
    CANARY,
    token,
    next,
    nodeSecretKey,
    (await Deno.readTextFile(stage.keyFile)).trim(),
  ];

  const bundle = async (name: string) => {
    const path = `${stage.folder}/${name}.tar.gz`;
    const config = `${stage.folder}/agent.yaml`;
    const done = await runPlexd(["diag", "--out", path, "--config", config], {
      env: {
        PLEXD_BOOTSTRAP_TOKEN: `${CANARY}-env-token`,
        ANYTHING: `${CANARY}-env`,
      },
    });
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, `${path}\n`);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const files = await untar(path);
    const text = [...files].flat().join("\n");
    for (const one of hidden) assert.ok(!text.includes(one), one);
    return (file: string) => files.get(`plexd-diag/${file}`)!;
  };

  const live = await bundle("live");
  assert.equal(JSON.parse(live("status.json")).node_id, node_id);
  assert.deepEqual(JSON.parse(live("manifest.json")).unavailable, []);
  assert.match(live("events.json"), /"type": "connect"/);
  assert.match(live("log.txt"), / info Agent started /);
  assert.deepEqual(JSON.parse(live("store.json")).findings, []);
  assert.match(live("config.json"), /"reconcile.interval"/);
  assert.match(live("versions.json"), /"runtime": "deno /);
  const { agent } = await stage.status();
  assert.equal(agent.last_diagnostics?.kind, "diag");
  assert.equal(agent.last_diagnostics?.outcome, "ok");

  await stage.stopAgent();
  const stopped = await bundle("stopped");
  assert.equal(JSON.parse(stopped("status.json")).status, "not_running");
  assert.match(stopped("events.json"), /"type": "stop"/);
  assert.match(stopped("log.txt"), /journalctl .* -u plexd\.service/);
  assert.deepEqual(JSON.parse(stopped("manifest.json")).unavailable, []);
});

Deno.test("a bundle is made of a configuration that cannot be used, too", async () => {
  await using stage = await Stage.open();
  const config = `${stage.folder}/agent.yaml`;
  await Deno.writeTextFile(config, `api:\n  base_ulr: ${CANARY}\n`);
  const out = `${stage.folder}/bundle.tar.gz`;
  const done = await stage.run("diag", "--out", out);
  assert.equal(done.code, 0, done.stderr);
  const files = await untar(out);
  const told = JSON.parse(files.get("plexd-diag/config.json")!);
  assert.deepEqual(told.wrong_at, [`${config}:2:3`]);
  assert.doesNotMatch([...files].join(), new RegExp(CANARY));
});
