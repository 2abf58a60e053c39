import assert from "node:assert/strict";
import { MAX_STATE_BYTES } from "../../src/control_plane/admin_routes/node_values.ts";
import { RunningPlane } from "./running_plane.ts";

for (
  const path of ["/admin/v1", "/admin/v1/nodes", "/admin/v1/nothing/here"]
) {
  Deno.test(`${path} answers 401 to anyone but the operator`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const bearers = [undefined, "x", node.secretKey, `${plane.adminToken}x`];
    for (const bearer of bearers) {
      const options = bearer === undefined ? {} : { bearer };
      const answer = await plane.call("GET", path, options);
      answer.assertProblem(401, "unauthorized");
    }
  });
}

Deno.test("the admin token stays the same over restarts, also without its file", async () => {
  await using plane = await RunningPlane.start();
  const token = plane.adminToken;
  await plane.restart();
  assert.equal(plane.adminToken, token);
  Deno.removeSync(`${plane.dataDir}/admin-token`);
  await plane.restart();
  const answer = await plane.call("GET", "/admin/v1/nodes", { bearer: token });
  assert.equal(answer.status, 200);
});

Deno.test("nodes are listed and shown with what they have", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const { json: registered } = await plane.register(token, {
    hostname: "web-7",
    metadata: { rack: "b" },
  });
  const id = String(registered["node_id"]);
  await plane.admin("PUT", `/nodes/${id}/metadata/region`, { value: "eu" });
  const { json: list } = await plane.admin("GET", "/nodes");
  const [node] = list["nodes"] as Record<string, unknown>[];
  assert.equal(node?.["hostname"], "web-7");
  assert.equal(node?.["connected"], false);
  const { json: shown } = await plane.admin("GET", `/nodes/${id}`);
  assert.equal(shown["node_id"], id);
  assert.deepEqual(shown["metadata"], { region: "eu" });
  assert.deepEqual(shown["labels"], { rack: "b" });
  assert.equal(shown["state_version"], 2);
});

for (
  const [method, path, body] of [
    ["GET", "", undefined],
    ["DELETE", "", undefined],
    ["PUT", "/metadata/k", { value: "v" }],
    ["DELETE", "/metadata/k", undefined],
    ["PUT", "/data/k", { content_type: "a", payload: 1 }],
    ["PUT", "/secrets/k", { value: "v" }],
    ["GET", "/reports", undefined],
    ["GET", "/drift", undefined],
    ["GET", "/events", undefined],
    ["POST", "/rotate-keys", undefined],
    ["POST", "/actions", { action: "a" }],
    ["GET", "/executions", undefined],
    ["GET", "/sessions", undefined],
    ["DELETE", "/sessions/x", undefined],
    ["GET", "/capabilities", undefined],
    ["GET", "/metrics", undefined],
    ["GET", "/logs", undefined],
    ["GET", "/audit", undefined],
  ] as const
) {
  Deno.test(`${method} /nodes/{id}${path} answers 404 for an unknown node`, async () => {
    await using plane = await RunningPlane.start();
    const answer = await plane.admin(method, `/nodes/nobody${path}`, body);
    answer.assertProblem(404, "node_not_found");
  });
}

for (const part of ["metadata", "data", "secrets"]) {
  Deno.test(`DELETE of a key of ${part} that is not there answers 404 and emits nothing`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const path = `/nodes/${node.id}/${part}/k`;
    (await plane.admin("DELETE", path)).assertProblem(404, "key_not_found");
    const { json } = await node.admin("GET", "/events");
    assert.deepEqual(json["events"], []);
    assert.equal((await node.admin("GET", "")).json["state_version"], 1);
  });
}

const HOSTILE_KEYS = [
  "%00",
  "%0a",
  "%2e",
  "%2E%2e",
  "a".repeat(256),
  "%F0%9F%98%80".repeat(64),
];
for (const key of HOSTILE_KEYS) {
  Deno.test(`the key ${key.slice(0, 20)} is refused`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const line = await rawPut(
      plane,
      `/admin/v1/nodes/${node.id}/metadata/${key}`,
    );
    assert.match(line, /^HTTP\/1.1 400 /);
    assert.match(line, /"code":"invalid_key"/);
    assert.equal((await node.admin("GET", "")).json["state_version"], 1);
  });
}

for (
  const key of ["../../etc/passwd", ".tmp-x", "a/b", "😀", "__proto__", "a%b"]
) {
  Deno.test(`the key ${key} is taken as it is`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const path = `/metadata/${encodeURIComponent(key)}`;
    await node.admin("PUT", path, { value: "v" });
    const { text } = await node.call("GET", "/state");
    assert.deepEqual(
      Object.entries(JSON.parse(text).metadata),
      [[key, "v"]],
    );
    assert.equal((await node.admin("DELETE", path)).status, 204);
  });
}

/** Without a client that would tidy the path up. */
async function rawPut(plane: RunningPlane, path: string): Promise<string> {
  const { hostname, port } = new URL(plane.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const body = '{"value":"v"}';
  await connection.write(
    new TextEncoder().encode(
      `PUT ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n` +
        `Authorization: Bearer ${plane.adminToken}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    ),
  );
  return await new Response(connection.readable).text();
}

Deno.test("metadata and data of a node have a limit, and a refused change leaves no trace", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const value = "x".repeat(1_000_000);
  const fitting = Math.floor(MAX_STATE_BYTES / 1_000_200);
  for (let at = 0; at < fitting; at++) {
    await node.admin("PUT", `/metadata/k${at}`, { value });
  }
  const { text: before } = await node.call("GET", "/state");
  for (const part of ["metadata", "data"]) {
    const body = part === "data"
      ? { content_type: "a", payload: value }
      : { value };
    const answer = await plane.admin(
      "PUT",
      `/nodes/${node.id}/${part}/more`,
      body,
    );
    answer.assertProblem(409, "state_quota_exceeded");
  }
  assert.equal((await node.call("GET", "/state")).text, before);
  const { json } = await node.admin("GET", "/events");
  assert.equal((json["events"] as unknown[]).length, fitting);
});

Deno.test("audit shows what operators did, newest first, without values", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/secrets/k", { value: "canary" });
  await node.admin("DELETE", "/secrets/k");
  const { json, text } = await plane.admin("GET", "/audit");
  const rows = json["audit"] as Record<string, unknown>[];
  assert.deepEqual(rows.map((row) => row["relation"]), [
    "secrets.remove",
    "secrets.set",
    "node.register",
    "token.create",
  ]);
  assert.ok(!text.includes("canary"));
});

Deno.test("domains run out with a clear answer", async () => {
  await using plane = await RunningPlane.start();
  for (let count = 1; count < 214; count++) {
    await plane.token({ domain: `d${count}` });
  }
  (await plane.admin("POST", "/tokens", { domain: "one-more" })).assertProblem(
    503,
    "pool_exhausted",
  );
});
