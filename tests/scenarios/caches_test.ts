import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import { call } from "../node_api/raw_http.ts";
import { forgePart } from "../store/tamper.ts";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

/** A list of a command, as programs read it. */
async function listed(
  stage: Stage,
  name: "peers" | "services" | "routes" | "policies",
): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await stage.run(name, "--output=json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout)[name];
}

const caches = (wanted: Partial<StatusDocument["caches"]>) =>
(
  { caches }: StatusDocument,
) =>
  Object.entries({ ...caches, ...wanted }).every(([name, count]) =>
    caches[name as keyof typeof caches] === count
  );

for (const dialect of [1, 2] as const) {
  Deno.test(`a role brings a service to the node and takes it away, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    // Pulls are far apart: what is seen at once was told by events.
    const settings = { reconcile: { interval: "10m" } };
    const { node_id } = await stage.startAgent({ settings });
    await stage.statusWhen(
      "it streams",
      ({ stream, pull }) =>
        stream.state === "streaming" && pull.last_success_at !== null,
    );
    await stage.admin.call("PUT", "/services/web", {
      roles: ["edge"],
      version: "1.2.0",
      policy_refs: ["ssh"],
    });
    const role = `/nodes/${node_id}/roles/edge`;
    await stage.admin.call("PUT", role);
    await stage.statusWhen("the service is there", caches({ services: 1 }));
    const [web] = await listed(stage, "services");
    assert.equal(web?.["name"], "web");
    assert.deepEqual(web?.["roles"], ["edge"]);
    assert.deepEqual(web?.["policy_refs"], ["ssh"]);

    // It lasts without the control plane, and the workload says how it is.
    await stage.stopAgent();
    await stage.stopControlPlane();
    await stage.startAgent({ settings });
    assert.equal((await stage.status()).caches.services, 1);
    await stage.local("/v1/state/report/service.web", {
      method: "PUT",
      body: '{"content_type":"application/json","payload":{"state":"up"}}',
    });
    const { stdout } = await stage.run("services");
    assert.match(stdout, /^web +1\.2\.0 +running +up +edge +-$/m);

    await stage.startControlPlane();
    await stage.statusWhen(
      "it streams",
      ({ stream }) => stream.state === "streaming",
    );
    await stage.admin.call("DELETE", role);
    await stage.statusWhen("the service is gone", caches({ services: 0 }));
    assert.deepEqual(await listed(stage, "services"), []);
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a probe fills what is known of peers; workloads see counts, and never where anybody is, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await using other = await Stage.open(dialect);
    // Where the peer is said to be; it takes connections by itself.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const endpoint = `127.0.0.1:${listener.addr.port}`;
    await stage.startControlPlane();
    await stage.leaveToken();
    const reconcile = { interval: "1s" };
    const { node_id } = await stage.startAgent({
      settings: { reconcile, peers: { probe: "tcp", probe_interval: "1s" } },
    });
    other.shareControlPlane(stage);
    await other.leaveToken();
    const peer = await other.startAgent({
      settings: { reconcile, nat: { public_endpoint: endpoint } },
    });
    await stage.admin.call("PUT", "/services/canary-service", {
      roles: ["edge"],
      resource_refs: ["canary-resource"],
    });
    await stage.admin.call("PUT", `/nodes/${node_id}/roles/edge`);
    await stage.statusWhen(
      "all caches hold something",
      caches({ peers: 1, peers_observed: 1, services: 1 }),
    );
    // The first look at a peer is on disk soon.
    await eventually("the owner sees what was observed", async () => {
      const [peer] = await listed(stage, "peers");
      return peer?.["observed"];
    });
    const hidden = [
      ...[endpoint, peer.node_id, peer.mesh_ip],
      ...["canary-service", "canary-resource", "edge"],
    ];
    for (const socket of [stage.socket, stage.secretsSocket]) {
      for (const target of TARGETS) {
        const { status, body } = await call(socket, target);
        for (const text of hidden) {
          assert.ok(!body.includes(text), `GET ${target}: ${status} ${body}`);
        }
      }
    }
    // Off is absent, never zero.
    const [unseen] = await listed(other, "peers");
    assert.ok(unseen && !("observed" in unseen));
    assert.equal((await other.status()).caches.peers_observed, 0);
    await other.stopAgent();

    // What was observed is on disk when the agent has stopped, and lasts.
    await stage.stopAgent();
    const [seen] = await listed(stage, "peers");
    const observed = seen?.["observed"] as Record<string, unknown>;
    assert.equal(observed["loss"], 0);
    assert.equal(observed["score"], 1);
    assert.equal(typeof observed["latency_ms"], "number");
    const [route] = await listed(stage, "routes");
    assert.equal(route?.["destination"], `${peer.mesh_ip}/32`);
    assert.match(
      (await stage.run("store", "verify")).stdout,
      /as they should be/,
    );
  });
}

/** Everything that the sockets answer, and what somebody might guess. */
const TARGETS = [
  "/v1/state",
  "/v1/state/metadata",
  "/v1/state/data",
  "/v1/state/secrets",
  "/v1/state/report",
  "/v1/status",
  "/v1/events",
  "/v1/peers",
  "/v1/routes",
  "/v1/services",
  "/v1/state/peers",
  "/v1/state/services",
  "/metrics",
  "/healthz",
  "/readyz",
  "/openapi.json",
];

for (const dialect of [1, 2] as const) {
  Deno.test(`a policy and a service that somebody writes onto the disk are gone with the next start, without a control plane, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await stage.admin.call("PUT", "/services/web", { roles: ["edge"] });
    await stage.admin.call("PUT", "/policies/ssh", { rules: [] });
    await stage.admin.call("PUT", `/nodes/${node_id}/roles/edge`);
    await stage.statusWhen("the service is there", caches({ services: 1 }));
    await stage.stopAgent();
    await stage.stopControlPlane();
    const before = await listed(stage, "services");
    const policies = await listed(stage, "policies");
    assert.equal(policies.length, 1);

    forgePart(stage.membership, "services", ({ format, services }) => ({
      format,
      services: [...services, { ...services[0], name: "miner" }],
    }));
    forgePart(stage.membership, "directory", (directory) => ({
      ...directory,
      policies: [{ id: "all", rules: [{ action: "allow" }] }],
    }));
    const { store, reasons } = await stage.startAgent();
    assert.deepEqual(await listed(stage, "services"), before);
    assert.deepEqual(await listed(stage, "policies"), policies);
    assert.equal(store.last_recovery?.file, "services/assignments.json");
    assert.ok(reasons.some(({ reason }) => reason === "corruption_recovered"));
    await stage.stopAgent();
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`caches that are damaged or gone are rebuilt, and nothing else is lost, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await using other = await Stage.open(dialect);
    await stage.startControlPlane();
    for (const one of [stage, other]) {
      if (one === other) other.shareControlPlane(stage);
      await one.leaveToken();
      await one.startAgent();
    }
    await stage.statusWhen("it knows its peer", caches({ peers: 1 }));
    await stage.stopAgent();
    const [route] = await listed(stage, "routes");
    const file = `${stage.membership}/routes/table.json`;
    Deno.writeTextFileSync(file, "torn");
    const observations = `${stage.membership}/peers/observations.json`;
    Deno.writeTextFileSync(observations, "", { mode: 0o600 });
    const verified = await stage.run("store", "verify");
    assert.equal(verified.code, 1);
    assert.match(verified.stdout, /peers\/observations\.json/);
    assert.match(verified.stdout, /routes\/table\.json .*it is rebuilt/);
    await stage.startAgent();
    await stage.statusWhen("the route is back", caches({ routes: 1 }));
    await stage.stopAgent();
    const [again] = await listed(stage, "routes");
    assert.equal(again?.["destination"], route?.["destination"]);

    Deno.removeSync(file);
    const sound = await stage.run("store", "verify");
    assert.equal(sound.code, 0, sound.stdout);
    await stage.startAgent();
    await stage.statusWhen("the route is back", caches({ routes: 1 }));
    await eventually(
      "and on disk",
      () => Deno.statSync(file).isFile || undefined,
    );
    await stage.stopAgent();
    await other.stopAgent();
  });
}
