import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

const path = (key: string) => `/v1/state/report/${key}`;

function put(stage: Stage, key: string, payload: string, query = "") {
  return stage.local(path(key) + query, {
    method: "PUT",
    body: `{"content_type":"application/json","payload":${payload}}`,
  });
}

/** The raw text of the control plane's list of reports. */
async function upstream(stage: Stage, nodeId: string): Promise<string> {
  const file = `${stage.controlPlaneDir}/admin-token`;
  const token = (await Deno.readTextFile(file)).trim();
  const answer = await fetch(`${stage.url}/admin/v1/nodes/${nodeId}/reports`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return await answer.text();
}

async function syncOf(stage: Stage, key: string) {
  const list = JSON.parse(await stage.read("/v1/state/report?sync=true"));
  return list.find((one: { key: string }) => one.key === key)?.sync;
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a write that waits is upstream when it is answered, or answered 202 at its limit, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    // Whoever does not wait is not sent for a minute.
    const { node_id } = await stage.startAgent({
      settings: { node_api: { debounce_period: "60s" } },
    });
    const written = await put(stage, "a", '{"n":1.50}', "?wait=synced");
    assert.equal(written.status, 200, written.body);
    assert.equal(written.headers.get("x-plexd-sync"), "synced");
    assert.ok((await upstream(stage, node_id)).includes('{"n":1.50}'));
    const { state, at } = await syncOf(stage, "a");
    assert.equal(state, "synced");
    assert.ok(Date.now() - Date.parse(at) < 60_000);

    const batch = await stage.local("/v1/state/report?wait=synced", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        reports: ["b", "c"].map((key) => ({
          key,
          content_type: "text/plain",
          payload: key,
          create_only: true,
        })),
      }),
    });
    assert.equal(batch.status, 200, batch.body);
    const text = await upstream(stage, node_id);
    for (const key of ["b", "c"]) assert.ok(text.includes(`"${key}"`), text);

    const gone = await stage.local(`${path("c")}?wait=synced`, {
      method: "DELETE",
    });
    assert.equal(gone.status, 204);
    const { reports } = JSON.parse(await upstream(stage, node_id));
    assert.deepEqual(
      reports.map(({ key }: { key: string }) => key).filter((key: string) =>
        !key.startsWith("plexd.")
      ).sort(),
      ["a", "b"],
    );

    if (dialect === 2) {
      const local = await put(stage, "Not%20A%20Key", "1", "?wait=synced");
      assert.equal(local.status, 202);
      assert.equal(local.headers.get("x-plexd-sync"), "local_only");
      assert.equal((await syncOf(stage, "Not A Key")).state, "local_only");
    }

    const waits = await stage.run(
      "state",
      "report",
      "cli",
      "--data",
      "1",
      "--wait",
    );
    assert.equal(waits.code, 0, waits.stderr);
    assert.equal(
      waits.stdout,
      "report cli written, and the control plane knows\n",
    );
    const removes = await stage.run(
      "state",
      "report",
      "cli",
      "--delete",
      "--wait",
    );
    assert.equal(removes.code, 0, removes.stderr);
    const misused = await stage.run("state", "report", "cli", "--wait");
    assert.equal(misused.code, 2);
    const tooLong = await stage.run(
      ...["state", "report", "cli", "--data", "1", "--wait", "--timeout", "2m"],
    );
    assert.equal(tooLong.code, 2);
    const alone = await stage.run(
      ...["state", "report", "cli", "--data", "1", "--timeout", "2s"],
    );
    assert.equal(alone.code, 2);
    const table = await stage.run("state", "--output", "table");
    assert.match(table.stdout, /^report +a +\d+ +synced$/m);
    if (dialect === 2) {
      const stays = await stage.run(
        "state",
        "report",
        "Not A Key",
        "--data",
        "1",
        "--wait",
      );
      assert.equal(stays.code, 69);
      assert.match(stays.stderr, /is written, but it never leaves this node/);
    }
    const full = await stage.run("state", "--full");
    assert.match(full.stdout, /"n": 1\.50/);
    assert.equal(typeof JSON.parse(full.stdout).freshness.stale, "boolean");

    await stage.stopControlPlane();
    const inVain = await stage.run(
      ...[
        "state",
        "report",
        "a",
        "--data",
        "3",
        "--wait",
        "--timeout",
        "300ms",
      ],
    );
    assert.equal(inVain.code, 69);
    assert.match(inVain.stderr, /the control plane does not know yet/);
    const late = await put(
      stage,
      "a",
      '{"n":2}',
      "?wait=synced&timeout=300ms",
    );
    assert.equal(late.status, 202);
    assert.equal(late.headers.get("x-plexd-sync"), "pending");
    assert.equal((await syncOf(stage, "a")).state, "pending");
    await stage.startControlPlane();
    await eventually(
      "the late one is upstream as well",
      async () =>
        (await upstream(stage, node_id)).includes('{"n":2}') || undefined,
    );
    const { sync } = await stage.statusWhen(
      "all is synced",
      ({ sync }) => sync.reports?.pending === 0,
    );
    assert.equal(sync.reports?.local_only, dialect === 2 ? 1 : 0);
  });
}
