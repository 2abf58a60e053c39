import assert from "node:assert/strict";
import { encodeBase64 } from "../../../src/wire/base64.ts";
import { formatApplied } from "../../../src/wire/snapshot_headers.ts";
import { SNAPSHOT_MEDIA_TYPE } from "../../../src/wire/signed_snapshot.ts";
import { join2, request2, token2 } from "../dialect2_node.ts";
import { hasNatsServer } from "../../fakes/nats_server.ts";
import { BusWorld } from "../nats/bus_world.ts";
import {
  Answer,
  BUS_AWAY,
  newPublicKey,
  RunningPlane,
} from "../running_plane.ts";
import { Published, type PublishedOperation } from "./published.ts";

/** Whatever is true of an operation is called once in each dialect that has it. */
function callsOf({ caller, description, id }: PublishedOperation): string[] {
  if (caller !== "node" && id !== "RegisterNode") return [id];
  const only = /^Dialect (\d) only/.exec(description ?? "")?.[1];
  return (only ? [only] : ["1", "2"]).map((dialect) => `${id} ${dialect}`);
}

interface Options {
  readonly bearer?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

/** Makes calls by their published names, and checks each answer. */
class Tour {
  readonly done = new Set<string>();

  constructor(readonly plane: RunningPlane, readonly published: Published) {}

  /** @param name Operation, with the dialect where there are two. */
  async call(
    name: string,
    params: Readonly<Record<string, string>> = {},
    { bearer, body, headers = {}, query = "" }: Options = {},
  ): Promise<Answer> {
    const operation = this.published.operation(name.split(" ")[0]!);
    const path = operation.path.replace(
      /\{(\w+)\}/g,
      (_place, param: string) => encodeURIComponent(params[param]!),
    );
    const answer = await fetch(this.plane.url + path + query, {
      method: operation.method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      body: body === undefined
        ? null
        : typeof body === "string"
        ? body
        : JSON.stringify(body),
    });
    const isStream = answer.headers.get("content-type") === "text/event-stream";
    if (isStream) await answer.body?.cancel();
    const read = new Answer(
      answer.status,
      answer.headers,
      isStream ? "" : await answer.text(),
    );
    assert.ok(read.status < 400, `${name}: ${read.status} ${read.text}`);
    this.published.assertAnswer(operation, read);
    const wanted = callsOf(operation);
    assert.ok(wanted.includes(name), `${name} is not among ${wanted}`);
    this.done.add(name);
    return read;
  }
}

const CHECKSUM = encodeBase64(new Uint8Array(32));
const NOW = "2026-03-01T12:00:00Z";
const SENT = { "x-plexsphere-sent-at": NOW };

const hasBus = hasNatsServer();

async function withTour(work: (tour: Tour) => Promise<void>): Promise<void> {
  const artifactsDir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${artifactsDir}/1.2.3`);
    await Deno.writeTextFile(`${artifactsDir}/1.2.3/plexd-linux-amd64`, "x");
    if (hasBus) {
      await using world = await BusWorld.start({}, {
        artifactsDir,
        isLive: false,
      });
      await work(new Tour(world.plane, await Published.of(world.plane)));
    } else {
      await using plane = await RunningPlane.start({
        artifactsDir,
        messageBus: BUS_AWAY,
      });
      await work(new Tour(plane, await Published.of(plane)));
    }
  } finally {
    await Deno.remove(artifactsDir, { recursive: true });
  }
}

/** All that operators can do about one node and its domain. */
async function asOperator(tour: Tour, id: string): Promise<void> {
  const bearer = tour.plane.adminToken;
  const call = (
    name: string,
    params: Record<string, string> = {},
    body?: unknown,
  ) => tour.call(name, params, { bearer, body });
  const key = "k";
  await call("SetMetadata", { id, key }, { value: "eu" });
  await call("SetData", { id, key }, { content_type: "a/b", payload: [1, {}] });
  await call("SetSecret", { id, key }, { value: "hush" });
  await call("SetPolicy", { id: "p" }, {
    metadata: { k: "eu" },
    nodes: [id],
    rules: [{ src: "a", dst: "b", port: 1, protocol: "tcp", action: "allow" }],
  });
  await call("ListPolicies");
  await call("GetPolicy", { id: "p" });
  await call("SetBridge", { id }, { relay: { a: 1 }, ingress: null });
  await call("ListBridges");
  await call("GetBridge", { id });
  await call("SetService", { name: "web" }, {
    roles: ["edge"],
    expires_at: "2027-01-01T00:00:00Z",
  });
  await call("ListServices");
  await call("GetService", { name: "web" });
  await call("GiveRole", { id, role: "edge" });
  const asked = { action: "restart", timeout: "30s", parameters: { a: "b" } };
  await call("RequestAction", { id }, asked);
  const session = await call("CreateSession", { id }, {
    target_host: "10.42.0.1",
    target_port: 22,
    authorized_key: "ssh-ed25519 AAAA",
    expires_at: "2026-03-01T13:00:00Z",
  });
  await call("ListSessions", { id });
  const sid = String(session.json["session_id"]);
  await call("RevokeSession", { id, sid });
  await call("AskForKeyRotation", { id });
}

/** What operators look at once nodes have spoken, and how they take it back. */
async function afterwards(tour: Tour, id: string): Promise<void> {
  const bearer = tour.plane.adminToken;
  const call = (
    name: string,
    params: Record<string, string> = {},
    body?: unknown,
  ) => tour.call(name, params, { bearer, body });
  for (
    const name of [
      "GetNode",
      "AdminGetNodeState",
      "ListReports",
      "ListDrift",
      "ListEvents",
      "GetCapabilities",
      "ListMetrics",
      "ListLogs",
      "ListNodeAudit",
      "ListExecutions",
    ]
  ) await call(name, { id });
  const key = "k";
  await call("RemoveMetadata", { id, key });
  await call("RemoveData", { id, key });
  await call("RemoveSecret", { id, key });
  await call("RemoveBridge", { id });
  await call("RevokeRole", { id, role: "edge" });
}

Deno.test("every operation answers what the document publishes", async () => {
  await withTour(async (tour) => {
    const { plane } = tour;
    const bearer = plane.adminToken;
    const one = await plane.join();
    const two = await join2(plane);
    for (const { id } of [one, two]) await asOperator(tour, id);

    // Nodes of dialect 1.
    const as1 = { node_id: one.id };
    const call1 = (
      name: string,
      body?: unknown,
      more: Options & { readonly params?: Record<string, string> } = {},
    ) =>
      tour.call(`${name} 1`, { ...as1, ...more.params }, {
        bearer: one.secretKey,
        body,
        ...more,
      });
    await call1("GetNodeState");
    const signed = await call1("GetNodeState", undefined, {
      headers: { accept: SNAPSHOT_MEDIA_TYPE },
    });
    assert.equal(signed.headers.get("content-type"), SNAPSHOT_MEDIA_TYPE);
    await call1("SubscribeNodeEvents");
    await call1("GetTrustBundle");
    const carrier = { carrier: "nats" };
    if (hasBus) await call1("IssueCarrierCredentials", carrier);
    await call1("PostHeartbeat", {
      node_id: one.id,
      timestamp: NOW,
      status: "healthy",
      uptime: "1s",
      binary_checksum: "",
    });
    await call1("GetNodeSecret", undefined, { params: { key: "k" } });
    await call1("PostReports", {
      entries: [{
        key: "a",
        content_type: "a/b",
        payload: [1],
        version: 1,
        updated_at: NOW,
      }],
    });
    await call1("PostDrift", {
      timestamp: NOW,
      corrections: [{ type: "data_updated", detail: "k" }],
    });
    await call1("RotateNodeKey", {
      node_id: one.id,
      new_public_key: newPublicKey(),
    });
    await call1("PutCapabilities", { builtin_actions: [], hooks: [] });
    await call1("PutEndpoint", {
      public_endpoint: "192.0.2.1:51820",
      nat_type: "none",
    });
    const { json } = await one.admin("GET", "/executions");
    const [{ execution_id }] = json["executions"] as [
      { execution_id: string },
    ];
    await call1(
      "AcknowledgeExecution",
      { execution_id, status: "accepted", reason: "" },
      { params: { execution_id } },
    );
    await call1("FinishExecution", {
      execution_id,
      status: "success",
      exit_code: 0,
      stdout: "",
      stderr: "",
      duration: "1s",
      finished_at: NOW,
    }, { params: { execution_id } });
    await call1("PostMetrics", [{ timestamp: NOW, group: "g", data: {} }]);
    await call1("PostLogs", [{
      timestamp: NOW,
      source: "s",
      unit: "u",
      message: "m",
      severity: "info",
      hostname: "h",
    }]);
    await call1("PostAudit", [{
      timestamp: NOW,
      source: "s",
      event_type: "e",
      subject: {},
      object: {},
      action: "a",
      result: "success",
      hostname: "h",
      raw: "",
    }]);
    const program = { version: "1.2.3", os: "linux", arch: "amd64" };
    await call1("GetArtifact", undefined, { params: program });

    // Nodes of dialect 2.
    const as2 = { node_id: two.id };
    const call2 = (
      name: string,
      body?: unknown,
      more: Options & { readonly params?: Record<string, string> } = {},
    ) =>
      tour.call(`${name} 2`, { ...as2, ...more.params }, {
        bearer: two.bearer,
        body,
        ...more,
      });
    await call2("GetNodeState");
    await call2("GetNodeState", undefined, {
      headers: {
        accept: SNAPSHOT_MEDIA_TYPE,
        "x-plexd-applied": formatApplied({ epoch: 1, version: 1 }),
      },
    });
    const { headers } = await call2("GetNodeState");
    const same = await call2("GetNodeState", undefined, {
      headers: { "if-none-match": headers.get("etag")! },
    });
    assert.equal(same.status, 304);
    await call2("SubscribeNodeEvents");
    await call2("GetTrustBundle");
    if (hasBus) await call2("IssueCarrierCredentials", carrier);
    await call2("PostHeartbeat", {
      client_now: NOW,
      binary_checksum: CHECKSUM,
      binary_version: "1",
      nat_summary: {},
    });
    await call2("GetNodeSecret", undefined, {
      params: { key: "k" },
      query: "?version=1",
    });
    const report = { params: { key: "a" } };
    await call2("PutNodeReport", { value: "1", workload_tag: "w" }, report);
    await call2("GetNodeState");
    await call2("DeleteNodeReport", undefined, report);
    await call2("RotateNodeKey", { new_public_key: newPublicKey() });
    await call2("PutCapabilities", {
      binary_version: "1",
      binary_checksum: CHECKSUM,
    });
    await call2("PutEndpoint", {
      endpoint: "192.0.2.2:51820",
      nat_type: "unknown",
      reported_at: NOW,
    });
    await call2("GetNodeState");
    const [execution] = (await two.state())["executions"] as [
      { execution_id: string },
    ];
    const step = { params: { execution_id: execution.execution_id } };
    await call2("PostExecutionStep", { status: "ack" }, step);
    const output = "x".repeat(20_000);
    const started = await call2("PostExecutionStep", {
      status: "started",
      declared_output_bytes: output.length,
    }, step);
    const ticket = String(started.json["upload_url"]).split("/").at(-1)!;
    await tour.call("PutExecutionOutput", { ticket }, { body: output });
    await call2("PostExecutionStep", { status: "failed", error: "e" }, step);
    await call2("PostMetrics", [{
      group: "agent_stats",
      name: "n",
      value: 1,
      timestamp: NOW,
    }], { headers: SENT });
    const line = JSON.stringify({ severity: "i", message: "", timestamp: NOW });
    await call2("PostLogs", line, { headers: SENT });
    const record = { source: "k8s", action: "a", outcome: "o", timestamp: NOW };
    await call2("PostAudit", JSON.stringify(record), { headers: SENT });
    await call2("GetArtifact", undefined, { params: program });
    await call2("GetRelease", undefined, { params: { version: "1.2.3" } });

    // Operators, and everybody.
    const asAdmin = (
      name: string,
      params: Record<string, string> = {},
      body?: unknown,
    ) => tour.call(name, params, { bearer, body });
    for (const { id } of [one, two]) await afterwards(tour, id);
    await asAdmin("RemovePolicy", { id: "p" });
    await asAdmin("RemoveService", { name: "web" });
    await asAdmin("ListNodes");
    await asAdmin("CreateOperator", {}, { name: "o", scopes: ["read"] });
    await asAdmin("ListOperators");
    await asAdmin("RemoveOperator", { name: "o" });
    const spare = (await asAdmin("CreateToken", {}, {})).json["token_id"];
    await asAdmin("ListTokens");
    await asAdmin("RemoveToken", { token_id: String(spare) });
    const token = String(
      (await asAdmin("CreateToken", {}, {})).json["token"],
    );
    await asAdmin("CreateToken", {}, { dialect: 2 });
    for (const prefix of ["", "Admin"]) {
      const name = `d${prefix.toLowerCase()}`;
      await asAdmin(`${prefix}CreateDomain`, {}, { name });
      await asAdmin(`${prefix}ListDomains`);
      await asAdmin(`${prefix}GetDomain`, { id: name });
      for (const dialect of [1, 2]) {
        await asAdmin(`${prefix}CreateDomainNode`, { id: name }, {
          public_key: newPublicKey(),
          hostname: "h",
          dialect,
        });
      }
      await asAdmin(`${prefix}ListDomainNodes`, { id: name });
    }
    await asAdmin("RotateSigningKey", {}, {});
    const keys = await asAdmin("ListSigningKeys");
    const [signing] = keys.json["signing_keys"] as [{ key_id: string }];
    await asAdmin("RevokeSigningKey", signing);
    for (const name of ["RotateTrustRoot", "FinishTrustRoot"]) {
      await asAdmin(name);
    }
    await asAdmin("ListTrustRoots");
    await asAdmin("GetMessageBus");
    await asAdmin("GetMetrics");
    await asAdmin("ListAudit");
    for (const name of ["GetHealth", "GetReadiness", "GetOpenApi", "Ping"]) {
      await tour.call(name);
    }
    await tour.call("RegisterNode 1", {}, {
      body: { token, public_key: newPublicKey(), hostname: "h" },
    });
    await tour.call("RegisterNode 2", {}, {
      body: request2(await token2(plane)),
    });
    await call1("DeregisterNode");
    await call2("DeregisterNode");
    const third = await plane.join();
    await asAdmin("RevokeNode", { id: third.id });
    await asAdmin("RemoveNode", { id: third.id });

    const all = tour.published.operations.flatMap(callsOf)
      .filter((name) => hasBus || !name.startsWith("IssueCarrierCredentials"));
    assert.deepEqual([...tour.done].sort(), [...new Set(all)].sort());
  });
});
