import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { Dialect1Uplink } from "../../src/uplink/dialect1_uplink.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { vectors, VECTORS_NOW_MS } from "../vectors/load.ts";
import { nodeOf } from "./node_of.ts";
import { pulledFrom } from "./pulled_from.ts";
import { failureFrom, type SeenRequest, TestServer } from "./serve.ts";

const never = new AbortController().signal;
const state = '{"peers":null,"policies":[],"data":[],"secret_refs":[]}';
const secret = { key: "a/b", ciphertext: "Yw==", nonce: "bg==", version: 3 };

function clientFor(url: string): ControlClient {
  return new ControlClient({
    baseUrl: url,
    version: "1.2.3",
    clock: new FakeClock(VECTORS_NOW_MS),
    log: new MemoryLog(),
  });
}

function uplinkFor(url: string): Dialect1Uplink {
  return nodeOf(clientFor(url));
}

function textOf(seen: SeenRequest | undefined): string {
  return new TextDecoder().decode(seen?.body);
}

const AT = "2026-03-01T12:00:00Z";
const base = "/v1/nodes/n";
const capabilities = { builtin_actions: [], hooks: [] };
const drift = { timestamp: AT, corrections: [] };
const ack = { execution_id: "x/1", status: "accepted", reason: "" } as const;
const result = {
  execution_id: "x/1",
  status: "success",
  exit_code: 0,
  stdout: "out",
  stderr: "",
  duration: "1s",
  finished_at: AT,
} as const;
const logEntry = {
  timestamp: AT,
  source: "plexd",
  unit: "plexd",
  message: "m",
  severity: "warning",
  hostname: "h",
} as const;
const auditEntry = {
  timestamp: AT,
  source: "plexd",
  event_type: "secret_read",
  subject: {},
  object: {},
  action: "read",
  result: "success",
  hostname: "h",
  raw: "",
} as const;
const beat = {
  timestamp: AT,
  status: "healthy",
  uptimeMs: 62_500,
  binarySha256: "",
};
const beatSent = {
  node_id: "n",
  timestamp: AT,
  status: "healthy",
  uptime: "1m2.5s",
  binary_checksum: "",
};

const calls: {
  name: string;
  answer: string;
  call: (uplink: Dialect1Uplink) => Promise<unknown>;
  method: string;
  path: string;
  /** Absent for a call without a body. */
  body?: unknown;
  result?: unknown;
}[] = [
  {
    name: "heartbeat",
    answer: '{"reconcile":true,"rotate_keys":null}',
    call: (uplink) => uplink.heartbeat(beat, never),
    method: "POST",
    path: `${base}/heartbeat`,
    body: beatSent,
    result: { reconcile: true, rotateKeys: false },
  },
  {
    name: "heartbeat with an endpoint",
    answer: "{}",
    call: (uplink) =>
      uplink.heartbeat({
        ...beat,
        nat: { publicEndpoint: "192.0.2.1:51820", natType: "full_cone" },
      }, never),
    method: "POST",
    path: `${base}/heartbeat`,
    body: {
      ...beatSent,
      nat: { public_endpoint: "192.0.2.1:51820", type: "full_cone" },
    },
    result: { reconcile: false, rotateKeys: false },
  },
  {
    name: "heartbeat with a checksum, without an answer",
    answer: "",
    call: (uplink) =>
      uplink.heartbeat({ ...beat, binarySha256: "0a1b" }, never),
    method: "POST",
    path: `${base}/heartbeat`,
    body: { ...beatSent, binary_checksum: "sha256:0a1b" },
    result: { reconcile: false, rotateKeys: false },
  },
  {
    name: "fetchSecret",
    answer: JSON.stringify(secret),
    call: (uplink) => uplink.fetchSecret("a/b?c#d%", never),
    method: "GET",
    path: `${base}/secrets/a%2Fb%3Fc%23d%25`,
    result: secret,
  },
  {
    name: "reportDrift",
    answer: "{}",
    call: (uplink) => uplink.reportDrift(drift, never),
    method: "POST",
    path: `${base}/drift`,
    body: drift,
  },
  {
    name: "deregister",
    answer: "",
    call: (uplink) => uplink.deregister(never),
    method: "POST",
    path: `${base}/deregister`,
  },
  {
    name: "rotateKeys",
    answer: JSON.stringify({
      updated_peers: [{
        id: "p1",
        public_key: "cHVi",
        mesh_ip: "10.0.0.2",
        endpoint: null,
        allowed_ips: null,
        psk: "hush",
      }],
    }),
    call: (uplink) => uplink.rotateKeys("bmV3", never),
    method: "POST",
    path: "/v1/keys/rotate",
    body: { node_id: "n", new_public_key: "bmV3" },
    result: [{
      id: "p1",
      publicKey: "cHVi",
      meshIp: "10.0.0.2",
      endpoint: "",
      allowedIps: [],
    }],
  },
  {
    name: "rotateKeys without peers",
    answer: '{"updated_peers":null}',
    call: (uplink) => uplink.rotateKeys("bmV3", never),
    method: "POST",
    path: "/v1/keys/rotate",
    body: { node_id: "n", new_public_key: "bmV3" },
    result: [],
  },
  {
    name: "updateCapabilities",
    answer: "",
    call: (uplink) => uplink.updateCapabilities(capabilities, never),
    method: "PUT",
    path: `${base}/capabilities`,
    body: capabilities,
  },
  {
    name: "reportEndpoint",
    answer: JSON.stringify({
      peer_endpoints: [
        { peer_id: "p1", endpoint: "192.0.2.1:51820" },
        { peer_id: "p2", endpoint: "" },
        { peer_id: "p3", endpoint: null },
      ],
    }),
    call: (uplink) => uplink.reportEndpoint("192.0.2.9:1", "none", never),
    method: "PUT",
    path: `${base}/endpoint`,
    body: { public_endpoint: "192.0.2.9:1", nat_type: "none" },
    result: [{ peerId: "p1", endpoint: "192.0.2.1:51820" }],
  },
  {
    name: "ackExecution",
    answer: "",
    call: (uplink) => uplink.ackExecution(ack, never),
    method: "POST",
    path: `${base}/executions/x%2F1/ack`,
    body: ack,
  },
  {
    name: "reportResult",
    answer: "",
    call: (uplink) => uplink.reportResult(result, never),
    method: "POST",
    path: `${base}/executions/x%2F1/result`,
    body: result,
  },
  {
    name: "sendMetrics",
    answer: "",
    call: (uplink) =>
      uplink.sendMetrics(
        [{ timestamp: AT, data: { memory_used_bytes: 1 } }],
        never,
      ),
    method: "POST",
    path: `${base}/metrics`,
    body: [{
      timestamp: AT,
      group: "system",
      data: { memory_used_bytes: 1 },
    }],
  },
  {
    name: "sendLogs",
    answer: "",
    call: (uplink) => uplink.sendLogs([logEntry], never),
    method: "POST",
    path: `${base}/logs`,
    body: [logEntry],
  },
  {
    name: "sendAudit",
    answer: "",
    call: (uplink) => uplink.sendAudit([auditEntry], never),
    method: "POST",
    path: `${base}/audit`,
    body: [auditEntry],
  },
];
for (const { name, answer, call, method, path, body, result } of calls) {
  Deno.test(`Dialect1Uplink makes the call ${name} as the contract says`, async () => {
    await using server = new TestServer(() => new Response(answer));
    assert.deepEqual(await call(uplinkFor(server.url)), result);
    const [seen] = server.seen;
    assert.equal(seen?.method, method);
    assert.equal(seen?.path, path);
    const { headers } = seen!;
    assert.equal(headers.get("authorization"), "Bearer b");
    assert.equal(headers.get("user-agent"), "plexd/1.2.3");
    assert.equal(headers.get("accept"), "application/json");
    assert.equal(headers.get("accept-encoding"), "gzip");
    assert.equal(headers.get("content-encoding"), null);
    assert.equal(
      headers.get("content-type"),
      body === undefined ? null : "application/json",
    );
    if (body === undefined) assert.equal(textOf(seen), "");
    else assert.deepEqual(JSON.parse(textOf(seen)), body);
  });
}

Deno.test("Dialect1Uplink encodes the node's id as one segment", async () => {
  await using server = new TestServer(() => new Response());
  const { http } = clientFor(server.url);
  const uplink = new Dialect1Uplink({
    http,
    nodeId: "n 1/2",
    bearer: () => "b",
  });
  await uplink.deregister(never);
  assert.equal(server.seen[0]?.path, "/v1/nodes/n%201%2F2/deregister");
});

Deno.test("Dialect1Uplink names a secret neither in the log nor in an error", async () => {
  await using server = new TestServer(() => new Response("", { status: 403 }));
  const log = new MemoryLog();
  const client = new ControlClient({
    baseUrl: server.url,
    version: "1",
    clock: new FakeClock(),
    log,
  });
  const error = await failureFrom(nodeOf(client).fetchSecret("hunter2", never));
  assert.match(log.text, /secrets\/\{key\}/);
  assert.doesNotMatch(log.text + Deno.inspect(error), /hunter2/);
});

Deno.test("Dialect1Uplink.pullState() keeps payloads byte for byte and ignores what follows", async () => {
  const payload = '{"z":1.0, "a":1E+05,"é":"\\u00e9"}';
  const body = `{"data":[{"key":"k","content_type":"t","payload":${payload},` +
    `"version":1,"updated_at":"u"}]} trailing`;
  await using server = new TestServer(() => new Response(body));
  const desired = await pulledFrom(uplinkFor(server.url));
  assert.equal(desired.data[0]?.payload, payload);
});

for (const vector of vectors.report_sync) {
  if (vector.go_body === undefined) continue;
  Deno.test(`Dialect1Uplink.syncReports() sends the body of the vector ${vector.name}`, async () => {
    await using server = new TestServer(() => new Response());
    const entries = (vector.entries ?? []).map((entry) => ({
      key: entry.key,
      contentType: entry.content_type,
      payload: JSON.stringify(entry.payload),
      version: entry.version,
      updatedAt: entry.updated_at,
    }));
    const changes = { entries, deleted: vector.deleted ?? [] };
    await uplinkFor(server.url).syncReports(changes, never);
    assert.equal(server.seen[0]?.path, "/v1/nodes/n/report");
    assert.equal(textOf(server.seen[0]), vector.go_body);
  });
}

Deno.test("Dialect1Uplink.syncReports() sends payloads byte for byte", async () => {
  await using server = new TestServer(() => new Response());
  const payload = '{"z":1.0, "a":12345678901234567890}';
  const entry = {
    key: "k",
    contentType: "t",
    payload,
    version: 1,
    updatedAt: "u",
  };
  await uplinkFor(server.url)
    .syncReports({ entries: [entry], deleted: [] }, never);
  assert.ok(textOf(server.seen[0]).includes(`"payload":${payload},`));
});

const badAnswers = [
  { what: "HTML", body: "<html>sign in</html>" },
  { what: "nothing", body: "" },
  { what: "broken JSON", body: '{"node_secret_key":hunter2}' },
  { what: "half a document", body: state.slice(0, -9) },
  { what: "null", body: "null" },
  { what: "a list", body: "[]" },
  {
    what: "the other dialect's document",
    body: '{"policy":null,"state":null}',
  },
  { what: "wrong types", body: '{"data":{"hunter2":1}}' },
  {
    what: "bytes that are not UTF-8",
    body: new Uint8Array([0x7b, 0xff, 0x7d]),
  },
  { what: "very deep nesting", body: "[".repeat(200_000) },
];
for (const { what, body } of badAnswers) {
  for (const call of ["pullState", "fetchSecret"] as const) {
    Deno.test(`Dialect1Uplink.${call}() calls ${what} a bad answer`, async () => {
      await using server = new TestServer(() => new Response(body));
      const uplink = uplinkFor(server.url);
      const error = await failureFrom(
        call === "pullState"
          ? uplink.pullState(undefined, never)
          : uplink.fetchSecret("k", never),
      );
      assert.ok(error instanceof ControlError);
      assert.equal(error.kind, "bad_answer");
      assert.doesNotMatch(Deno.inspect(error), /hunter2|sign in/);
    });
  }
}

const wrongShapes: Record<string, string> = {
  heartbeat: '{"reconcile":"hunter2"}',
  rotateKeys: '{"updated_peers":[{"id":"","hunter2":1}]}',
  reportEndpoint: '{"peer_endpoints":[{"peer_id":{"hunter2":1}}]}',
};
for (const [name, shape] of Object.entries(wrongShapes)) {
  const { call } = calls.find((one) => one.name === name)!;
  for (const body of ["<html>sign in</html>", "[]", '{"a":', shape]) {
    Deno.test(`Dialect1Uplink.${name}() calls ${body} a bad answer`, async () => {
      await using server = new TestServer(() => new Response(body));
      const error = await failureFrom(call(uplinkFor(server.url)));
      assert.ok(error instanceof ControlError);
      assert.equal(error.kind, "bad_answer");
      assert.doesNotMatch(Deno.inspect(error), /hunter2|sign in/);
    });
  }
}

/** The calls whose answer is not read. */
const told = [
  ...calls.filter((one) => one.result === undefined),
  {
    name: "syncReports",
    call: (uplink: Dialect1Uplink) =>
      uplink.syncReports({ entries: [], deleted: ["k"] }, never),
  },
];
const html = { "content-type": "Text/HTML; charset=utf-8" };
const pages = [
  { body: "We are back soon", init: { headers: html } },
  { body: "\uFEFF \n<!doctype html>", init: {} },
];
const replies = ["OK", '{"accepted":1}', new Uint8Array([0xff])];
for (const { name, call } of told) {
  Deno.test(`Dialect1Uplink.${name}() takes whatever is answered, but for a web page`, async () => {
    let answer = () => new Response();
    await using server = new TestServer(() => answer());
    const uplink = uplinkFor(server.url);
    for (const { body, init } of pages) {
      answer = () => new Response(body, init);
      const error = await failureFrom(call(uplink));
      assert.ok(error instanceof ControlError);
      assert.equal(error.kind, "bad_answer");
      assert.match(error.message, /with a web page$/);
    }
    for (const reply of replies) {
      answer = () => new Response(reply, { status: 202 });
      await call(uplink);
    }
  });
}

Deno.test("nine calls of dialect 1 have answers that are not read", () => {
  assert.equal(told.length, 9);
});

for (const key of ["", ".", "..", "\ud800"]) {
  Deno.test(`Dialect1Uplink.fetchSecret() finds no secret named ${JSON.stringify(key)} and asks nobody`, async () => {
    await using server = new TestServer(() => Response.json(secret));
    const error = await failureFrom(
      uplinkFor(server.url).fetchSecret(key, never),
    );
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "not_found");
    assert.equal(server.seen.length, 0);
  });
}
