import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

const CANARY = "c4n4ry-value";

const OFTEN = {
  collect_interval: "1s",
  report_interval: "1s",
} as const;

/** A SHA-256 in the capabilities, as hex or as base64. */
const CHECKSUMS = {
  1: /"checksum":"[0-9a-f]{64}"/,
  2: /"binary_checksum":"[A-Za-z0-9+/]{43}="/,
} as const;

for (const dialect of [1, 2] as const) {
  Deno.test(`load, warnings and audit records arrive upstream, the last ones at the stop, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({
      settings: {
        metrics: OFTEN,
        log_fwd: OFTEN,
        audit_fwd: { report_interval: "10m" },
      },
    });
    const told = async (kind: string) => {
      const answer = await stage.admin.call("GET", `/nodes/${node_id}/${kind}`);
      return JSON.stringify(answer);
    };

    await stage.admin.call("PUT", `/nodes/${node_id}/secrets/db-password`, {
      value: CANARY,
    });
    const target = "/v1/state/secrets/db-password";
    await eventually("the secret is served", async () => {
      const { status, body } = await call(stage.secretsSocket, target);
      return status === 200 && body.includes(CANARY) || undefined;
    });
    assert.equal((await stage.local(target)).status, 403);

    await eventually(
      "load of the machine is there",
      async () =>
        (await told("metrics")).includes("memory_used_bytes") || undefined,
    );
    const { telemetry } = await stage.statusWhen(
      "it is counted",
      ({ telemetry }) => (telemetry.metrics?.sent ?? 0) > 0,
    );
    assert.equal(telemetry.audit?.sent, 0, "their time has not come yet");
    const screen = await stage.run("status");
    assert.match(screen.stdout, /^Telemetry +metrics \d+ sent/m);

    await stage.stopAgent();
    const audit = await told("audit");
    if (dialect === 1) {
      assert.match(audit, /"event_type":"secret_read"/);
      assert.match(audit, /"key":"db-password","status":200/);
      assert.match(audit, /"key":"db-password","status":403/);
    } else {
      // There it has no room for what was read.
      assert.match(audit, /"action":"secret_read","outcome":"success"/);
      assert.match(audit, /"action":"secret_read","outcome":"failure"/);
    }
    const logs = await told("logs");
    for (const text of [audit, logs, await told("metrics")]) {
      assert.ok(!text.includes(CANARY));
    }
    assert.ok(!logs.includes("db-password"));
  });

  Deno.test(`what happened while the control plane was away arrives afterwards, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({
      settings: {
        metrics: { enabled: false },
        log_fwd: OFTEN,
        audit_fwd: OFTEN,
      },
    });
    await stage.stopControlPlane();
    await stage.statusWhen(
      "the outage is noticed",
      ({ reasons }) =>
        reasons.some(({ reason }) => reason === "control_plane_unreachable"),
    );
    const target = "/v1/state/secrets/away-password";
    assert.equal((await call(stage.secretsSocket, target)).status, 503);
    // What waits belongs to the agent, not to the parts that send it.
    await stage.configure({
      settings: {
        metrics: { enabled: false },
        log_fwd: OFTEN,
        audit_fwd: OFTEN,
        reconcile: { interval: "2s" },
      },
    });
    stage.agent.signal("SIGHUP");
    await stage.agent.writes(/.*Configuration read anew.*/);
    await stage.startControlPlane();
    const told = async (kind: string) =>
      JSON.stringify(
        await stage.admin.call("GET", `/nodes/${node_id}/${kind}`),
      );
    const logs = await eventually("the warnings are upstream", async () => {
      const logs = await told("logs");
      return logs.includes("Degraded reason=") &&
          logs.includes("Secret not fetched")
        ? logs
        : undefined;
    });
    assert.ok(!logs.includes("away-password"), "names are for audit records");
    assert.doesNotMatch(logs, /Telemetry/, "nothing about itself");
    await eventually("the try is accounted for", async () => {
      const audit = await told("audit");
      return dialect === 1
        ? audit.includes('"key":"away-password","status":503') || undefined
        : /"secret_read","outcome":"failure"/.test(audit) || undefined;
    });
    const { telemetry } = await stage.status();
    assert.equal(telemetry.metrics, null);
    await stage.stopControlPlane();
    await stage.statusWhen(
      "something waits",
      ({ telemetry }) => (telemetry.logs?.buffered ?? 0) > 0,
    );
    await stage.stopAgent();
    assert.match(
      stage.agentOutput,
      /"Telemetry is lost by the stop","metrics":0,"logs":[1-9]/,
    );
  });

  Deno.test(`what the node can do and where it is reached is announced at the start, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent({
      settings: { nat: { public_endpoint: "192.0.2.1:51820", type: "none" } },
    });
    const of = async (path: string) =>
      JSON.stringify(await stage.admin.call("GET", `/nodes/${node_id}${path}`));
    await eventually(
      "the capabilities are upstream",
      async () =>
        CHECKSUMS[dialect].test(await of("/capabilities")) ||
        undefined,
    );
    await eventually(
      "the endpoint is upstream",
      async () => (await of("")).includes("192.0.2.1:51820") || undefined,
    );
    await stage.stopAgent();
  });
}
