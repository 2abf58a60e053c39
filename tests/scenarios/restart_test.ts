import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

interface Answer {
  readonly state_version: number;
}

/** Sets a value on the control plane. @returns the state version it made. */
async function set(
  stage: Stage,
  path: string,
  body: unknown,
): Promise<number> {
  const answer = await stage.admin.call("PUT", path, body);
  return (answer as Answer).state_version;
}

function data(payload: unknown) {
  return { content_type: "application/json", payload };
}

for (const dialect of [1, 2] as const) {
  // In dialect 2 the node is not told of secrets, and values are text.
  const hasSecrets = dialect === 1;
  const payload = (value: unknown) =>
    dialect === 1 ? value : JSON.stringify(value);

  Deno.test(`what the control plane removed while the agent was down is gone after its start, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const node = `/nodes/${node_id}`;
    for (const key of ["gone", "kept"]) {
      await set(stage, `${node}/metadata/${key}`, { value: key });
      await set(stage, `${node}/data/${key}`, data({ key }));
      await set(stage, `${node}/secrets/${key}`, { value: key });
    }
    await stage.statusWhen(
      "all of it arrives",
      ({ state }) =>
        state.metadata === 2 && state.data === 2 &&
        state.secrets === (hasSecrets ? 2 : 0),
    );
    await stage.stopAgent();
    for (const part of ["metadata", "data", "secrets"]) {
      await stage.admin.call("DELETE", `${node}/${part}/gone`);
    }
    await stage.startAgent();
    await stage.statusWhen(
      "all of it is gone",
      ({ state }) =>
        state.metadata === 1 && state.data === 1 &&
        state.secrets === (hasSecrets ? 1 : 0),
    );
    const gone = await stage.local("/v1/state/data/gone");
    assert.equal(gone.status, 404);
    const kept = JSON.parse(await stage.read("/v1/state/data/kept"));
    assert.deepEqual(kept.payload, payload({ key: "kept" }));
    const secret = async (key: string) =>
      await call(stage.secretsSocket, `/v1/state/secrets/${key}`);
    assert.equal((await secret("gone")).status, 404);
    assert.equal(JSON.parse((await secret("kept")).body).value, "kept");
    await stage.stopAgent();
    const stored = await stage.run("--print-state");
    assert.doesNotMatch(stored.stdout, /gone/);
  });

  Deno.test(`an agent killed in a burst of changes starts without control plane and serves one whole state, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const node = `/nodes/${node_id}`;
    await stage.statusWhen("it streams", (s) => s.stream.state === "streaming");

    // Metadata and data take turns, so that each version has one right content.
    const base = await set(stage, `${node}/metadata/turn`, { value: "0" });
    const stop = new AbortController();
    let sent = 0;
    const burst = (async () => {
      while (!stop.signal.aborted) {
        const turn = ++sent;
        const version = turn % 2 === 0
          ? await set(stage, `${node}/metadata/turn`, { value: `${turn}` })
          : await set(stage, `${node}/data/turn`, data({ turn }));
        assert.equal(version, base + turn);
      }
    })();
    const seen = await stage.statusWhen(
      "some of it arrives",
      ({ state }) => (state.version ?? 0) >= base + 20,
    );
    await stage.killAgent();
    stop.abort();
    await burst;
    await stage.stopControlPlane();

    const { state } = await stage.startAgent();
    const version = state.version ?? 0;
    assert.ok(
      version >= (seen.state.version ?? 0),
      `went back from ${seen.state.version} to ${version}`,
    );
    const turn = version - base;
    assert.ok(turn <= sent, "it has what was never sent");
    const [evens, odds] = turn % 2 === 0 ? [turn, turn - 1] : [turn - 1, turn];
    const metadata = JSON.parse(await stage.read("/v1/state/metadata"));
    assert.deepEqual(metadata, { turn: `${evens}` });
    const entry = JSON.parse(await stage.read("/v1/state/data/turn"));
    assert.deepEqual(entry.payload, payload({ turn: odds }));
    await eventually("reads say that they are stale", async () => {
      const { headers } = await stage.local("/v1/state");
      return headers.get("x-plexd-stale") === "true" || undefined;
    });

    // It catches up with everything that it missed.
    await stage.startControlPlane();
    await stage.statusWhen(
      "the rest arrives",
      (status) => status.state.version === base + sent,
    );
    await stage.stopAgent();
  });

  Deno.test(`plexd --print-state says the same with and without a running agent, and no secret, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const node = `/nodes/${node_id}`;
    await set(stage, `${node}/metadata/zone`, { value: "a" });
    await set(stage, `${node}/data/motd`, data("hello"));
    await set(stage, `${node}/secrets/pw`, { value: "canary-31c7" });
    const report = await stage.local("/v1/state/report/health", {
      method: "PUT",
      body: '{"content_type":"application/json","payload":1.0}',
    });
    assert.equal(report.status, 200, report.body);
    await stage.statusWhen(
      "all of it arrives",
      ({ state }) =>
        state.metadata === 1 && state.data === 1 &&
        state.secrets === (hasSecrets ? 1 : 0),
    );

    const live = await stage.run("--print-state");
    assert.equal(live.code, 0, live.stderr);
    assert.equal(live.stderr, "");
    await stage.stopAgent();
    const stored = await stage.run("--print-state");
    assert.equal(stored.code, 0, stored.stderr);
    assert.match(stored.stderr, /no agent is running/);
    assert.equal(stored.stdout, live.stdout);
    for (
      const name of ["zone", "motd", ...(hasSecrets ? ["pw"] : []), "health"]
    ) {
      assert.ok(stored.stdout.includes(`"${name}"`), name);
    }
    assert.ok(!(live.stdout + stored.stdout).includes("canary-31c7"));
    assert.equal((await stage.run("state", "--output", "json")).code, 4);
  });
}
