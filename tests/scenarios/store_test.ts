import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { Stage } from "./stage.ts";

/** What each answer of the local API says of its freshness. */
async function verifiedAt(stage: Stage): Promise<string | undefined> {
  const { headers } = await stage.local("/v1/state");
  return headers.get("x-plexd-verified-at");
}

for (const dialect of [1, 2] as const) {
  Deno.test(`what was wrong, and when the state was confirmed, outlives a restart without control plane, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const first = await stage.startAgent();
    assert.equal(first.agent.last_stop, null);
    await stage.statusWhen(
      "it is well",
      ({ pull, contact }) =>
        pull.last_success_at !== null && contact.last_heartbeat_at !== null,
    );
    await stage.stopControlPlane();
    const broken = await stage.statusWhen(
      "it notices",
      ({ reasons }) =>
        reasons.some(({ reason }) => reason === "control_plane_unreachable"),
    );
    const since = broken.reasons.find(({ reason }) =>
      reason === "control_plane_unreachable"
    )?.since;
    const verified = broken.verified_at;
    assert.ok(verified);
    await stage.stopAgent();

    const second = await stage.startAgent();
    assert.equal(second.verified_at, verified);
    assert.equal(await verifiedAt(stage), verified);
    assert.deepEqual(
      second.reasons.map((one) => [one.reason, one.since])
        .filter(([reason]) => reason === "control_plane_unreachable"),
      [["control_plane_unreachable", since]],
    );
    assert.equal(second.agent.install_id, first.agent.install_id);
    assert.equal(second.agent.last_stop?.clean, true);
    assert.ok(second.contact.last_heartbeat_at);

    await stage.startControlPlane();
    await stage.statusWhen(
      "it is over",
      ({ reasons }) =>
        reasons.every(({ reason }) => reason !== "control_plane_unreachable"),
    );
    await stage.killAgent();
    const third = await stage.startAgent();
    assert.deepEqual(third.agent.last_stop, {
      at: null,
      clean: false,
      failed: false,
    });
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a restored node serves what it has, and gives no secret until the control plane has answered, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const node = `/nodes/${node_id}`;
    await stage.admin.call("PUT", `${node}/metadata/zone`, { value: "a" });
    await stage.admin.call("PUT", `${node}/secrets/password`, { value: "x" });
    await stage.statusWhen(
      "both arrive",
      // In dialect 2 no names of secrets arrive.
      ({ state }) =>
        state.metadata === 1 && state.secrets === (dialect === 1 ? 1 : 0),
    );
    // Beside the running agent, and with its keys.
    const file = `${stage.folder}/backup`;
    const made = await stage.run("store", "backup", file, "--include-identity");
    assert.equal(made.code, 0, made.stderr);
    await stage.stopAgent();
    await stage.stopControlPlane();
    await Deno.remove(stage.membership, { recursive: true });
    const done = await stage.run("store", "restore", file);
    assert.equal(done.code, 0, done.stderr);
    assert.match((await stage.run("store", "verify")).stdout, /as they should/);

    const restored = await stage.startAgent();
    assert.equal(restored.node_id, node_id);
    assert.equal(restored.store.restored, true);
    assert.equal(restored.state.metadata, 1);
    assert.equal(restored.verified_at, null);
    const read = () => call(stage.secretsSocket, "/v1/state/secrets/password");
    const refused = await read();
    assert.equal(refused.status, 503);
    assert.equal(JSON.parse(refused.body).reason, "restore_unconfirmed");

    await stage.startControlPlane();
    await stage.statusWhen(
      "the control plane confirms it",
      ({ store }) => !store.restored,
    );
    assert.equal((await read()).status, 200);
    assert.ok(await verifiedAt(stage));
  });
}
