import assert from "node:assert/strict";
import { MAX_BODY_BYTES } from "../../src/control_plane/http/request_body.ts";
import { MAX_CAPABILITIES_BYTES } from "../../src/control_plane/node_routes/capabilities.ts";
import { MAX_RESULT_BYTES } from "../../src/control_plane/node_routes/executions.ts";
import { MAX_BATCH_BYTES } from "../../src/control_plane/node_routes/report.ts";
import { newPublicKey, RunningPlane, type TestNode } from "./running_plane.ts";

/** Every route that reads a body, with one that it takes. */
interface BodyRoute {
  readonly name: string;
  readonly method: string;
  readonly path: (node: TestNode) => string;
  readonly bearer: (node: TestNode) => string | undefined;
  readonly good: Readonly<Record<string, unknown>>;
  /** Bodies of the right form but of a wrong shape. */
  readonly wrong: readonly unknown[];
  readonly maxBytes?: number;
}

const asNode = (node: TestNode) => node.secretKey;
const asAdmin = (node: TestNode) => node.plane.adminToken;
const nodePath = (rest: string) => (node: TestNode) =>
  `/v1/nodes/${node.id}${rest}`;
const adminPath = (rest: string) => (node: TestNode) =>
  `/admin/v1/nodes/${node.id}${rest}`;

const RESULT = {
  execution_id: "x",
  status: "success",
  exit_code: 0,
  stdout: "",
  stderr: "",
  duration: "1s",
  finished_at: "2026-03-01T12:00:00Z",
};

const RULE = {
  src: "10.42.0.1/32",
  dst: "10.42.0.2/32",
  port: 22,
  protocol: "tcp",
  action: "allow",
};

const SESSION = {
  target_host: "10.42.0.1",
  target_port: 22,
  authorized_key: "ssh-ed25519 AAAA",
  expires_at: "2026-03-01T13:00:00Z",
};

const ROUTES: readonly BodyRoute[] = [
  {
    name: "register",
    method: "POST",
    path: () => "/v1/register",
    bearer: () => undefined,
    good: { token: "x", public_key: newPublicKey(), hostname: "h" },
    wrong: [
      {},
      { token: 1, public_key: "k", hostname: "h" },
      { token: "x", public_key: newPublicKey(), hostname: "h".repeat(256) },
      { token: "x", public_key: newPublicKey(), hostname: "h", metadata: [1] },
    ],
  },
  {
    name: "heartbeat",
    method: "POST",
    path: nodePath("/heartbeat"),
    bearer: asNode,
    good: {
      node_id: "",
      timestamp: "t",
      status: "s",
      uptime: "1s",
      binary_checksum: "",
    },
    wrong: [{}, { node_id: null }],
  },
  {
    name: "report",
    method: "POST",
    path: nodePath("/report"),
    bearer: asNode,
    good: { entries: [], deleted: [] },
    wrong: [
      { entries: {} },
      { deleted: [1] },
      { entries: [{}] },
      {
        entries: [{
          key: "",
          content_type: "a",
          payload: 1,
          version: 1,
          updated_at: "t",
        }],
      },
      {
        entries: [{
          key: "k",
          content_type: "a",
          payload: 1,
          version: -1,
          updated_at: "t",
        }],
      },
    ],
    maxBytes: MAX_BATCH_BYTES,
  },
  {
    name: "drift",
    method: "POST",
    path: nodePath("/drift"),
    bearer: asNode,
    good: { timestamp: "t", corrections: [] },
    wrong: [
      { timestamp: "t" },
      { timestamp: "t", corrections: [{ type: "x", detail: "" }] },
    ],
  },
  {
    name: "key rotation",
    method: "POST",
    path: () => "/v1/keys/rotate",
    bearer: asNode,
    good: { node_id: "n", new_public_key: newPublicKey() },
    wrong: [{}, { node_id: "n" }, { node_id: "", new_public_key: "k" }],
  },
  {
    name: "capabilities",
    method: "PUT",
    path: nodePath("/capabilities"),
    bearer: asNode,
    good: { builtin_actions: [], hooks: [] },
    wrong: [
      {},
      { builtin_actions: [], hooks: {} },
      { builtin_actions: [{ name: "" }], hooks: [] },
      { builtin_actions: [], hooks: [], binary: { version: 1 } },
    ],
    maxBytes: MAX_CAPABILITIES_BYTES,
  },
  {
    name: "endpoint",
    method: "PUT",
    path: nodePath("/endpoint"),
    bearer: asNode,
    good: { public_endpoint: "192.0.2.1:51820", nat_type: "none" },
    wrong: [
      { public_endpoint: "192.0.2.1:51820" },
      { public_endpoint: "", nat_type: "none" },
      { public_endpoint: "host.example:51820", nat_type: "none" },
      { public_endpoint: "192.0.2.1:0", nat_type: "none" },
      { public_endpoint: "192.0.2.1:51820", nat_type: "restricted" },
    ],
  },
  {
    name: "execution ack",
    method: "POST",
    path: nodePath("/executions/x/ack"),
    bearer: asNode,
    good: { execution_id: "x", status: "accepted", reason: "" },
    wrong: [
      {},
      { execution_id: "x", status: "done", reason: "" },
      { execution_id: "x", status: "rejected", reason: "" },
      { execution_id: "x", status: "rejected", reason: "r".repeat(256) },
      { execution_id: "", status: "accepted", reason: "" },
    ],
  },
  {
    name: "execution result",
    method: "POST",
    path: nodePath("/executions/x/result"),
    bearer: asNode,
    good: RESULT,
    wrong: [
      {},
      { ...RESULT, status: "fine" },
      { ...RESULT, exit_code: 1.5 },
      { ...RESULT, stdout: null },
      { ...RESULT, triggered_by: {} },
    ],
    maxBytes: MAX_RESULT_BYTES,
  },
  {
    name: "admin policies",
    method: "PUT",
    path: () => "/admin/v1/policies/p",
    bearer: asAdmin,
    good: { rules: [RULE] },
    wrong: [
      {},
      { rules: {} },
      { rules: [{}] },
      { rules: [{ ...RULE, port: 65_536 }] },
      { rules: [{ ...RULE, port: "22" }] },
      { rules: [{ ...RULE, src: "" }] },
      { rules: [{ ...RULE, src: "\ud800" }] },
      { rules: [{ ...RULE, protocol: "T C P" }] },
      { rules: [{ ...RULE, priority: 1 }] },
      { rules: [RULE], id: "p" },
    ],
  },
  {
    name: "admin actions",
    method: "POST",
    path: adminPath("/actions"),
    bearer: asAdmin,
    good: { action: "restart" },
    wrong: [
      {},
      { action: "" },
      { action: "rm -rf /" },
      { action: "a", parameters: { n: 1 } },
      { action: "a", parameters: { n: "\ud800" } },
      { action: "a", timeout: 30 },
      { action: "a", timeout: "0s" },
      { action: "a", timeout: "25h" },
      { action: "a", command: "/bin/sh" },
    ],
  },
  {
    name: "admin sessions",
    method: "POST",
    path: adminPath("/sessions"),
    bearer: asAdmin,
    good: SESSION,
    wrong: [
      {},
      { ...SESSION, target_host: "a b" },
      { ...SESSION, target_port: 0 },
      { ...SESSION, authorized_key: "ssh-ed25519 A\nssh-ed25519 B" },
      { ...SESSION, expires_at: "soon" },
      { ...SESSION, expires_at: "2026-03-01T12:00:00Z" },
      { ...SESSION, expires_at: "2026-03-02T12:00:00.001Z" },
    ],
  },
  {
    name: "admin tokens",
    method: "POST",
    path: () => "/admin/v1/tokens",
    bearer: asAdmin,
    good: { ttl: "1m" },
    wrong: [
      { ttl: 60 },
      { ttl: "soon" },
      { ttl: "0s" },
      { ttl: "31d" },
      { ttl: "" },
      { domain: "A" },
      { domain: "" },
      { domain: "a".repeat(64) },
      { time_to_live: "1m" },
    ],
  },
  {
    name: "admin metadata",
    method: "PUT",
    path: adminPath("/metadata/k"),
    bearer: asAdmin,
    good: { value: "v" },
    wrong: [{}, { value: 1 }, { value: "v", extra: 1 }, { value: "\ud800" }],
  },
  {
    name: "admin data",
    method: "PUT",
    path: adminPath("/data/k"),
    bearer: asAdmin,
    good: { content_type: "text/plain", payload: null },
    wrong: [
      {},
      { content_type: "text/plain" },
      { payload: 1 },
      { content_type: "", payload: 1 },
      { content_type: "a\nb", payload: 1 },
      { content_type: "a", payload: 1, version: 7 },
    ],
  },
  {
    name: "admin secrets",
    method: "PUT",
    path: adminPath("/secrets/k"),
    bearer: asAdmin,
    good: { value: "v" },
    wrong: [{ value: null }, { value: "\udc00" }, { value: "v", key: "k" }],
  },
  {
    name: "admin signing keys",
    method: "POST",
    path: () => "/admin/v1/signing-keys/rotate",
    bearer: asAdmin,
    good: { transition: "1m" },
    wrong: [{ transition: "25h" }, { transition: -1 }, { now: true }],
  },
];

/** Bodies that no route takes, with the code of the answer. */
function badBodies(route: BodyRoute) {
  const good = JSON.stringify(route.good);
  const [member] = Object.entries(route.good)[0]!;
  const limit = route.maxBytes ?? MAX_BODY_BYTES;
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const bad = (
    what: string,
    body: string | Uint8Array,
    code = "malformed_body",
    headers: Record<string, string> = {},
  ) => ({ what, body, code, headers });
  return [
    bad("an empty body", ""),
    bad("no JSON", good.slice(0, -1)),
    bad("JSON with something after it", `${good} {}`),
    bad("an array", `[${good}]`),
    bad("null", "null"),
    bad(
      "bytes that are not UTF-8",
      new Uint8Array([...utf8(`{"${member}":"`), 0xff, ...utf8('"}')]),
    ),
    bad("a byte order mark", `\ufeff${good}`),
    bad("a member twice", `{"${member}":null,${good.slice(1)}`),
    bad("deep nesting", "[".repeat(Math.min(500_000, limit))),
    bad(
      "deep nesting that is JSON",
      `${good.slice(0, -1)},"x":${"[".repeat(200_000)}${"]".repeat(200_000)}`,
      route.bearer === asAdmin
        ? "malformed_body"
        : limit < 400_000
        ? "body_too_large"
        : "",
    ),
    bad("a body over the limit", " ".repeat(limit + 1), "body_too_large"),
    bad("no gzip where it says so", good, "malformed_encoding", {
      "content-encoding": "gzip",
    }),
    bad("another encoding", good, "unsupported_encoding", {
      "content-encoding": "br",
    }),
    ...route.wrong.map((body) =>
      bad(
        `the shape ${JSON.stringify(body).slice(0, 50)}`,
        JSON.stringify(body),
      )
    ),
  ].filter(({ code }) => code !== "");
}

for (const route of ROUTES) {
  Deno.test(`${route.name} refuses every bad body and writes nothing`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    await node.call("GET", "/state");
    const everything = async () => [
      (await node.admin("GET", "")).text,
      (await node.admin("GET", "/events")).text,
      (await node.admin("GET", "/reports")).text,
      (await node.admin("GET", "/drift")).text,
      (await node.admin("GET", "/executions")).text,
      (await node.admin("GET", "/sessions")).text,
      (await plane.admin("GET", "/policies")).text,
      (await plane.admin("GET", "/audit")).text,
      (await plane.admin("GET", "/nodes")).text,
    ];
    const before = await everything();
    const bearer = route.bearer(node);
    for (const { what, body, code, headers } of badBodies(route)) {
      const answer = await plane.call(route.method, route.path(node), {
        ...(bearer === undefined ? {} : { bearer }),
        body,
        headers,
      });
      assert.equal(answer.json["code"], code, `${what}: ${answer.text}`);
      assert.ok(answer.status >= 400 && answer.status < 500, what);
      assert.ok(!/\n\s+at |\.ts\b|sqlite/i.test(answer.text), answer.text);
    }
    assert.deepEqual(await everything(), before);
    const errors = plane.log.lines.filter((line) => line.level === "error");
    assert.deepEqual(errors, []);
  });
}

Deno.test("a gzip bomb is refused before it unfolds", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const bomb = await new Response(
    new Blob([new Uint8Array(50 * 1024 * 1024)]).stream()
      .pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  const answer = await plane.call("POST", `/v1/nodes/${node.id}/report`, {
    bearer: node.secretKey,
    body: bomb,
    headers: { "content-encoding": "gzip" },
  });
  answer.assertProblem(413, "body_too_large");
});

Deno.test("a body that trickles in is given up after 30 s", async () => {
  await using plane = await RunningPlane.start();
  using connection = await halfRequest(plane);
  await plane.clock.advance(29_999);
  await plane.clock.advance(1);
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  const text = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  assert.match(text, /^HTTP\/1.1 408 /);
});

Deno.test("run() does not wait for half a request when it is stopped", async () => {
  await using plane = await RunningPlane.start();
  using connection = await halfRequest(plane);
  await plane.stop();
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer).catch(() => null);
  const text = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  assert.match(text, /^HTTP\/1.1 503 |^$/);
});

/** A request whose body never ends, once the server waits for the rest. */
async function halfRequest(plane: RunningPlane): Promise<Deno.Conn> {
  const { hostname, port } = new URL(plane.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const idle = plane.clock.sleeping.length;
  await connection.write(
    new TextEncoder().encode(
      "POST /v1/register HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{",
    ),
  );
  // The deadline of the body is one more sleeper.
  while (plane.clock.sleeping.length === idle) await plane.clock.advance(0);
  return connection;
}

Deno.test("a NUL character is refused where it would cut a text short", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const entry = {
    key: "k\0l",
    content_type: "text/plain",
    payload: 1,
    version: 1,
    updated_at: "2026-03-01T12:00:00Z",
  };
  const calls = [
    plane.admin("PUT", `/nodes/${node.id}/metadata/k`, { value: "a\0b" }),
    node.call("POST", "/report", { entries: [entry], deleted: [] }),
    plane.register(await plane.token(), { hostname: "a\0b" }),
  ];
  for (const answer of await Promise.all(calls)) {
    answer.assertProblem(400, "malformed_body");
  }
  const inPath = { bearer: node.secretKey };
  (await plane.call("GET", `/v1/nodes/${node.id}%00/state`, inPath))
    .assertProblem(400, "malformed_path");
  assert.deepEqual((await node.call("GET", "/state")).json["metadata"], {});
  assert.deepEqual((await node.admin("GET", "/reports")).json["reports"], []);
  // A secret is bytes, and a payload is JSON: both keep it.
  await node.admin("PUT", "/secrets/s", { value: "a\0b" });
  const data = { content_type: "text/plain", payload: "a\0b" };
  await node.admin("PUT", "/data/d", data);
  const { json } = await node.call("GET", "/state");
  assert.equal((json["data"] as { payload: string }[])[0]!.payload, "a\0b");
  assert.ok(!plane.log.lines.some(({ level }) => level === "error"));
});

Deno.test("a name that an object cannot hold is refused, not left out", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const policy = '{"metadata":{"__proto__":"x"},"rules":[]}';
  const action = '{"action":"a","parameters":{"__proto__":"x"}}';
  for (
    const answer of [
      await plane.admin("PUT", "/policies/p", policy),
      await plane.admin("POST", `/nodes/${node.id}/actions`, action),
    ]
  ) {
    answer.assertProblem(400, "malformed_body");
    assert.match(answer.text, /__proto__/);
  }
  assert.deepEqual((await node.call("GET", "/state")).json["policies"], []);
});
