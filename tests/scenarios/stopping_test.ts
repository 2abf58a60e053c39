import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import { dial, receive, send } from "../node_api/raw_http.ts";
import { Stage } from "./stage.ts";

/** Longer than any test: only the stop can send what is put. */
const NEVER = { node_api: { debounce_period: "10m" } };

const REPORT = '{"content_type":"text/plain","payload":"last words"}';

async function running(
  dialect: Dialect,
  settings: Record<string, Record<string, unknown>>,
): Promise<{ stage: Stage; nodeId: string }> {
  const stage = await Stage.open(dialect);
  try {
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({ settings });
    await stage.statusWhen("it streams", (s) => s.stream.state === "streaming");
    return { stage, nodeId: node_id };
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
}

for (const dialect of [1, 2] as const) {
  Deno.test(`SIGTERM answers what is under way, sends the reports and ends with 0, dialect ${dialect}`, async () => {
    const { stage, nodeId } = await running(dialect, NEVER);
    await using _stage = stage;
    // Half a request: its body comes when the agent is stopping already.
    using connection = await dial(stage.socket);
    await send(connection, "/v1/state/report/late", {
      method: "PUT",
      headers: { "Content-Length": String(REPORT.length) },
    });
    // Whoever is answered now came later than it.
    await stage.status();
    const ended = stage.agent.stop("SIGTERM");
    await connection.write(new TextEncoder().encode(REPORT));
    const answer = await receive(connection, "PUT");
    assert.equal(answer?.status, 200, answer?.body);
    assert.equal(await ended, 0);
    const reports = await stage.admin.call("GET", `/nodes/${nodeId}/reports`);
    assert.match(JSON.stringify(reports), /last words/);
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`SIGTERM does not wait for a control plane that is away, dialect ${dialect}`, async () => {
    const { stage } = await running(dialect, NEVER);
    await using _stage = stage;
    await stage.stopControlPlane();
    const put = await stage.local("/v1/state/report/kept", {
      method: "PUT",
      body: REPORT,
    });
    assert.equal(put.status, 200);
    await stage.stopAgent();
    await stage.startControlPlane();
    const { node_id } = await stage.startAgent();
    await stage.statusWhen("it goes up", ({ sync }) => sync.pending === 0);
    const reports = await stage.admin.call("GET", `/nodes/${node_id}/reports`);
    assert.match(JSON.stringify(reports), /last words/);
    await stage.stopAgent();
  });
}

Deno.test("a stop is clean though an event before it could not be stored", async () => {
  // The stop comes before the next connection, and before what it brings again.
  const { stage, nodeId } = await running(1, {
    stream: { backoff_base: "10m", backoff_max: "10m" },
  });
  await using _stage = stage;
  const [temp, away] = ["tmp", "away"].map((name) =>
    `${stage.membership}/${name}`
  ) as [string, string];
  await Deno.rename(temp, away);
  const path = `/nodes/${nodeId}/metadata/zone`;
  await stage.admin.call("PUT", path, { value: "a" });
  await stage.agent.writes(/Event effect not stored/);
  await stage.agent.writes(/Event stream lost/);
  await Deno.rename(away, temp);
  await stage.stopAgent();
  assert.match(stage.agentOutput, /"Agent stopped"/);
  const { agent } = await stage.startAgent();
  assert.equal(agent.last_stop?.clean, true);
  assert.equal(agent.last_stop.failed, false);
  await stage.statusWhen("it is here", ({ state }) => state.metadata === 1);
  await stage.stopAgent();
});

Deno.test("SIGUSR2 logs how the agent is, and no secret", async () => {
  const { stage, nodeId } = await running(1, {});
  await using _stage = stage;
  stage.agent.signal("SIGUSR2");
  const [line] = await stage.agent.writes(/.*"Snapshot of the agent".*/);
  const { level, status, open_parts, process } = JSON.parse(line);
  assert.equal(level, "warn");
  assert.equal(status.node_id, nodeId);
  assert.equal(status.stream.state, "streaming");
  assert.ok(open_parts.includes("reconciler"), `${open_parts}`);
  assert.ok(process.resident_bytes > 0);
  await stage.stopAgent();
});
