import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

const OFTEN = { collect_interval: "1s", report_interval: "1s" } as const;

const SETTINGS = {
  registration: {
    project_id: "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c0",
    resource_handle: "web-1",
  },
  nat: { public_endpoint: "192.0.2.1:51820" },
  metrics: OFTEN,
  log_fwd: OFTEN,
  audit_fwd: { report_interval: "1s" },
} as const;

async function leaveToken(stage: Stage): Promise<void> {
  const { token } = await stage.admin.call("POST", "/tokens", {
    dialect: 2,
  }) as { token: string };
  await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
}

Deno.test("an agent lives with plexd's own control plane in dialect 2", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await leaveToken(stage);
  const { node_id } = await stage.startAgent({ settings: SETTINGS });
  const node = `/nodes/${node_id}`;
  const shown = async (path = "") =>
    await stage.admin.call("GET", node + path) as Record<string, unknown>;
  assert.equal((await shown())["dialect"], 2);
  await stage.statusWhen(
    "it streams",
    ({ stream }) => stream.state === "streaming",
  );

  await stage.admin.call("PUT", `${node}/metadata/region`, { value: "eu" });
  await stage.admin.call("PUT", `${node}/secrets/db`, { value: "hush" });
  await eventually("metadata arrives", async () => {
    const { body } = await stage.local("/v1/state/metadata/region");
    return body.includes("eu") || undefined;
  });
  const secret = await call(stage.secretsSocket, "/v1/state/secrets/db");
  assert.equal(JSON.parse(secret.body).value, "hush");

  await stage.local("/v1/state/report/health", {
    method: "PUT",
    body: '{"content_type":"application/json","payload":{"ok":true}}',
  });
  await eventually("the report arrives", async () => {
    const reports = JSON.stringify(await shown("/reports"));
    return reports.includes('"payload":{"ok":true}') || undefined;
  });
  for (const kind of ["metrics", "logs", "audit", "capabilities"]) {
    await eventually(`${kind} arrive`, async () => {
      // Capabilities that are not told yet are an error.
      const text = await shown(`/${kind}`).then(JSON.stringify, () => "[]");
      return !text.includes("[]") || kind === "logs" || undefined;
    });
  }
  assert.equal((await shown())["endpoint"], "192.0.2.1:51820");

  const before = (await shown())["public_key"];
  await stage.admin.call("POST", `${node}/rotate-keys`);
  await eventually(
    "the node has another key",
    async () => (await shown())["public_key"] !== before || undefined,
  );
  await stage.admin.call("POST", "/signing-keys/rotate", { transition: "1m" });
  await stage.statusWhen(
    "the new signing key is known",
    ({ events }) => (events.by_type["signing_key_rotated"] ?? 0) === 1,
  );

  await stage.killAgent();
  await stage.admin.call("POST", "/signing-keys/rotate", { transition: "1m" });
  await stage.admin.call("PUT", `${node}/metadata/region`, { value: "us" });
  await stage.startAgent({ settings: SETTINGS });
  await eventually("it goes on where it was", async () => {
    const { body } = await stage.local("/v1/state/metadata/region");
    return body.includes("us") || undefined;
  });
  await stage.stopAgent();
  assert.ok(!stage.agentOutput.includes("hush"));
});

Deno.test("actions of dialect 2 run, and long output goes up beside the result", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane();
  await leaveToken(stage);
  const flood = `${stage.folder}/flood`;
  const text = '#!/bin/sh\ncat; head -c 50000 /dev/zero | tr "\\0" x; exit 3\n';
  await Deno.writeTextFile(flood, text, { mode: 0o700 });
  const { node_id } = await stage.startAgent({
    settings: { ...SETTINGS, actions: { enabled: true, commands: { flood } } },
  });
  const over = async (action: string) => {
    const path = `/nodes/${node_id}`;
    await stage.admin.call("POST", `${path}/actions`, { action });
    return await eventually(`${action} is over`, async () => {
      const { executions } = await stage.admin.call(
        "GET",
        `${path}/executions`,
      ) as { executions: { state: string; result: Record<string, unknown> }[] };
      const [newest] = executions;
      return newest?.state === "finished" ? newest.result : undefined;
    });
  };
  const result = await over("flood");
  assert.equal(result["status"], "failed");
  assert.equal(result["exit_code"], 3);
  // Compared as one, so that a failure does not print all of it.
  assert.ok(result["output"] === "{}\n" + "x".repeat(50_000));
  const unknown = await over("other");
  assert.equal(unknown["error"], "unknown_action");
  await stage.stopAgent();
});

Deno.test("an agent of dialect 2 lives without an event stream", async () => {
  await using stage = await Stage.open();
  await stage.startControlPlane("--without=events");
  await leaveToken(stage);
  const { node_id } = await stage.startAgent({ settings: SETTINGS });
  await stage.admin.call("PUT", `/nodes/${node_id}/metadata/region`, {
    value: "eu",
  });
  await eventually("metadata arrives by a pull", async () => {
    const { body } = await stage.local("/v1/state/metadata/region");
    return body.includes("eu") || undefined;
  });
  const { stream } = await stage.status();
  assert.equal(stream.state, "pull_only");
  const { stdout } = await stage.run("status");
  assert.match(stdout, /^Status +ok for .+, without an event stream$/m);
  assert.match(
    stdout,
    /^Stream +the control plane has none, .*; asked for again in \d+m/m,
  );
  assert.match(stdout, /signed_event_bus_not_provisioned/);
  const why = await stage.run("why");
  assert.equal(why.code, 0, why.stdout);
  await stage.stopAgent();
});
