import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

function get(stage: Stage, key: string) {
  return call(stage.secretsSocket, `/v1/state/secrets/${key}`);
}

async function names(stage: Stage): Promise<string[]> {
  const list = JSON.parse(await stage.read("/v1/state/secrets"));
  return list.map(({ key }: { key: string }) => key);
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a secret that cannot be had says why, and reads say how fresh they are, over a restart too, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    // Nothing is stale within twenty minutes, however slow the machine is.
    const options = { settings: { reconcile: { interval: "10m" } } };
    const { node_id } = await stage.startAgent(options);
    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/pw`, {
      value: "c4n4ry",
    });
    const had = await get(stage, "pw");
    assert.equal(JSON.parse(had.body).value, "c4n4ry", had.body);
    const none = await get(stage, "none");
    assert.equal(none.status, 404);
    assert.equal(none.headers.get("cache-control"), "no-store");
    await stage.statusWhen(
      "the state is pulled",
      ({ pull }) => pull.last_success_at !== null,
    );

    await stage.stopControlPlane();
    const away = await get(stage, "pw");
    assert.equal(away.status, 503);
    assert.deepEqual(JSON.parse(away.body), {
      error: "control plane unavailable",
      reason: "control_plane_unreachable",
    });
    const targets = [
      "/v1/state",
      "/v1/state?full=true",
      "/v1/state/metadata",
      "/v1/state/data",
      "/v1/state/secrets",
      "/v1/state/report",
      "/v1/state/report?sync=true",
    ];
    const verified = async () => {
      const times = new Set<string | undefined>();
      for (const target of targets) {
        const { headers, status } = await stage.local(target);
        assert.equal(status, 200, target);
        assert.match(headers.get("etag") ?? "", /^W\//, target);
        times.add(headers.get("x-plexd-verified-at"));
      }
      assert.equal(times.size, 1);
      return [...times][0];
    };
    // The last pull may still be on its way to the disk.
    await eventually("all reads are of one time", verified);
    await stage.stopAgent();
    await stage.startAgent(options);
    const again = await verified();
    assert.ok(again, "verified in an earlier run");
    const stale = await stage.local("/v1/state/secrets");
    assert.equal(stale.headers.get("x-plexd-stale"), undefined);
    assert.ok(!stage.agentOutput.includes("c4n4ry"));
  });
}

Deno.test("names of secrets are learned in dialect 2, last over a restart, and go with a 404", async () => {
  await using stage = await Stage.open(2);
  await stage.startControlPlane();
  await stage.leaveToken();
  const { node_id } = await stage.startAgent();
  const path = (key: string) => `/nodes/${node_id}/secrets/${key}`;
  for (const key of ["pw", "tls"]) {
    await stage.admin.call("PUT", path(key), { value: "c4n4ry" });
  }
  assert.deepEqual(await names(stage), []);
  for (const key of ["pw", "tls", "none"]) await get(stage, key);
  await eventually(
    "both are known",
    async () => (await names(stage)).length === 2 || undefined,
  );
  const listed = await stage.run("secrets", "list");
  assert.equal(listed.stdout, "pw\ntls\n", listed.stderr);
  await stage.killAgent();
  await stage.startAgent();
  assert.deepEqual(await names(stage), ["pw", "tls"]);
  const { state } = await stage.status();
  assert.equal(state.secrets, 2);
  const full = JSON.parse(await stage.read("/v1/state?full=true"));
  assert.deepEqual(
    full.secret_keys.map(({ key }: { key: string }) => key),
    ["pw", "tls"],
  );
  await stage.admin.call("DELETE", path("pw"));
  assert.equal((await get(stage, "pw")).status, 404);
  await eventually(
    "it is forgotten",
    async () => (await names(stage)).join() === "tls" || undefined,
  );
});

for (const dialect of [1, 2] as const) {
  Deno.test(`a node that is revoked gets no secret, and hears that it is not accepted, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const node = `/nodes/${node_id}`;
    await stage.admin.call("PUT", `${node}/secrets/pw`, { value: "c4n4ry" });
    assert.equal((await get(stage, "pw")).status, 200);
    await stage.admin.call("POST", `${node}/revoke`, { reason: "lost" });
    const { status, body } = await eventually("it is refused", async () => {
      const answer = await get(stage, "pw");
      return answer.status === 200 ? undefined : answer;
    });
    assert.equal(status, 503, body);
    assert.deepEqual(JSON.parse(body), {
      error: "control plane unavailable",
      reason: "unauthorized",
    });
    const written = await stage.local(
      "/v1/state/report/r?wait=synced&timeout=200ms",
      { method: "PUT", body: '{"content_type":"a/b","payload":1}' },
    );
    assert.equal(written.status, 202, "it is on disk all the same");
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`reads of secrets in a loop become few audit records, with their number, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({
      // Those that are merged are told at the stop alone.
      settings: {
        audit_fwd: { collect_interval: "10m", report_interval: "10m" },
      },
    });
    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/pw`, {
      value: "c4n4ry",
    });
    for (let read = 0; read < 50; read++) await get(stage, "pw");
    await stage.stopAgent();
    const answer = JSON.stringify(
      await stage.admin.call("GET", `/nodes/${node_id}/audit`),
    );
    assert.equal(answer.match(/"secret_read"/g)?.length, 11);
    // A record of dialect 2 has no place for a number.
    const counts = answer.match(/"count":\d+/g) ?? [];
    assert.deepEqual(counts, dialect === 1 ? ['"count":40'] : []);
    assert.ok(!answer.includes("c4n4ry"));
  });
}
