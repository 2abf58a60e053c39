import assert from "node:assert/strict";
import { MAX_REPORTS } from "../../src/control_plane/dialect2/reports.ts";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { join2, type TestNode2 } from "./dialect2_node.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

const CHECKSUM = "a".repeat(64);
const SUM64 = encodeBase64(new Uint8Array(32));

function beat(node: TestNode2, body: Record<string, unknown> = {}) {
  return node.call("POST", "/heartbeat", {
    client_now: new Date(node.plane.clock.now()).toISOString(),
    binary_checksum: CHECKSUM,
    binary_version: "1.2.3",
    nat_summary: {},
    ...body,
  });
}

Deno.test("a heartbeat is answered with the time and hints", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await node.state();
  const quiet = {
    accepted_at: "2026-03-01T12:00:00.000Z",
    reconcile: false,
    rotate_keys: false,
  };
  assert.deepEqual((await beat(node)).json, quiet);
  await node.admin("PUT", "/metadata/a", { value: "1" });
  await node.admin("POST", "/rotate-keys");
  assert.deepEqual((await beat(node, { binary_checksum: SUM64 })).json, {
    ...quiet,
    reconcile: true,
    rotate_keys: true,
  });
  const { json } = await node.admin("GET", "");
  assert.equal(json["last_heartbeat_at"], "2026-03-01T12:00:00.000Z");
  const heartbeat = json["heartbeat"] as Record<string, unknown>;
  assert.equal(heartbeat["binary_version"], "1.2.3");
});

for (
  const { what, body, code } of [
    {
      what: "a clock 60.001 s ahead",
      body: { client_now: "2026-03-01T12:01:00.001Z" },
      code: "clock_skew",
    },
    {
      what: "a clock 60.001 s behind",
      body: { client_now: "2026-03-01T11:58:59.999Z" },
      code: "clock_skew",
    },
    { what: "no time", body: { client_now: "now" } },
    {
      what: "an empty checksum",
      body: { binary_checksum: "" },
      code: "binary_checksum_empty",
    },
    { what: "half a checksum", body: { binary_checksum: "a".repeat(32) } },
    {
      what: "an empty version",
      body: { binary_version: "" },
      code: "binary_version_empty",
    },
    { what: "null for the NAT", body: { nat_summary: null } },
    { what: "a member too many", body: { status: "healthy" } },
  ]
) {
  Deno.test(`a heartbeat with ${what} is refused`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    (await beat(node, body))
      .assertProblem(400, code ?? "malformed_heartbeat_request");
  });
}

Deno.test("a heartbeat may be exactly 60 s off", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  for (const client_now of ["2026-03-01T12:01:00Z", "2026-03-01T11:59:00Z"]) {
    assert.equal((await beat(node, { client_now })).status, 200);
  }
});

async function secretBytes(node: TestNode2, path: string) {
  const url = `${node.plane.url}/v1/nodes/${node.id}/secrets/${path}`;
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${node.bearer}` },
  });
  return { answer, bytes: await answer.bytes() };
}

Deno.test("a secret comes as bytes that only the node can read", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await node.admin("PUT", "/secrets/db-password", { value: "old" });
  await node.admin("PUT", "/secrets/db-password", { value: "hush é" });
  const { answer, bytes } = await secretBytes(node, "db-password?version=2");
  assert.equal(answer.status, 200);
  const { headers } = answer;
  assert.equal(headers.get("content-type"), "application/octet-stream");
  assert.equal(headers.get("x-plexsphere-secret-version"), "2");
  assert.match(headers.get("x-plexsphere-secret-kid") ?? "", /^[\w-]{22}$/);
  assert.match(headers.get("cache-control") ?? "", /no-store/);
  const value = await decryptSecret(
    nodeSecretToKey(node.nsk),
    {
      key: "db-password",
      nonce: encodeBase64(bytes.subarray(0, 12)),
      ciphertext: encodeBase64(bytes.subarray(12)),
      version: 2,
    },
  );
  assert.equal(value, "hush é");
});

for (
  const { path, status, code } of [
    { path: "nothing", status: 404, code: "secret_not_found" },
    { path: "Upper", status: 404, code: "secret_not_found" },
    { path: "s?version=1", status: 404, code: "secret_version_not_found" },
    { path: "s?version=0", status: 400, code: "malformed_version" },
    { path: "s?version=x", status: 400, code: "malformed_version" },
  ]
) {
  Deno.test(`secrets/${path} answers ${code}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    await node.admin("PUT", "/secrets/s", { value: "1" });
    await node.admin("PUT", "/secrets/s", { value: "2" });
    (await node.call("GET", `/secrets/${path}`)).assertProblem(status, code);
  });
}

Deno.test("a report is put, put again and deleted", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const put = (value: string) =>
    node.call("PUT", "/state/reports/health", { value });
  assert.deepEqual((await put('{"ok":true}')).json, {
    accepted_at: "2026-03-01T12:00:00.000Z",
    key: "health",
  });
  await put('{"ok":true}');
  const shown = async () => (await node.admin("GET", "/reports")).json;
  const report = {
    key: "health",
    content_type: "application/json",
    payload: { ok: true },
    version: 1,
    updated_at: "2026-03-01T12:00:00.000Z",
  };
  assert.deepEqual(await shown(), { reports: [report] });
  await put("no JSON");
  assert.deepEqual(await shown(), {
    reports: [{
      ...report,
      content_type: "text/plain; charset=utf-8",
      payload: "no JSON",
      version: 2,
    }],
  });
  const remove = () => node.call("DELETE", "/state/reports/health");
  assert.equal((await remove()).status, 204);
  (await remove()).assertProblem(404, "report_not_found");
});

for (
  const { what, key = "a", body, status = 400, code = "invalid_report" } of [
    { what: "an upper-case key", key: "A", body: { value: "" } },
    { what: "a key too long", key: "a".repeat(129), body: { value: "" } },
    { what: "no value", body: {} },
    { what: "a value that is no text", body: { value: 1 } },
    { what: "a member too many", body: { value: "", version: 1 } },
    { what: "half a surrogate pair", body: { value: "\ud800" } },
    {
      what: "a tag too long",
      body: { value: "", workload_tag: "x".repeat(256) },
    },
    {
      what: "a value of 4097 bytes",
      body: { value: "x" + "é".repeat(2048) },
      status: 413,
      code: "payload_too_large",
    },
    {
      what: "a large body",
      body: { value: "x".repeat(40_000) },
      status: 413,
      code: "payload_too_large",
    },
  ]
) {
  Deno.test(`a report with ${what} is refused`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    (await node.call("PUT", `/state/reports/${key}`, body))
      .assertProblem(status, code);
  });
}

Deno.test("a report of 4096 bytes is taken, however it is escaped", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const value = "\u0001".repeat(4096);
  const answer = await node.call("PUT", "/state/reports/a", { value });
  assert.equal(answer.status, 200);
});

Deno.test("a node without room for a report can change and delete others", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const put = (key: string, value = "1") =>
    node.call("PUT", `/state/reports/${key}`, { value });
  for (let count = 0; count < MAX_REPORTS; count++) {
    assert.equal((await put(`r${count}`)).status, 200);
  }
  (await put("more")).assertProblem(409, "report_quota_exceeded");
  assert.equal((await put("r0", "2")).status, 200);
  await node.call("DELETE", "/state/reports/r1");
  assert.equal((await put("more")).status, 200);
});

Deno.test("a key is rotated once it was asked for, and told again if need be", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const peer = await plane.join();
  const key = newPublicKey();
  const rotate = (new_public_key: string) =>
    node.own("POST", "/v1/keys/rotate", { new_public_key });
  (await rotate(key)).assertProblem(409, "keys_rotate_no_pending_rotation");
  await node.admin("POST", "/rotate-keys");
  const { json: before } = await node.admin("GET", "");
  (await rotate(String(before["public_key"])))
    .assertProblem(422, "keys_rotate_public_key_unchanged");
  (await rotate("x")).assertProblem(422, "keys_rotate_public_key_invalid");
  const first = await rotate(key);
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(Object.keys(first.json), [
    "rotation_id",
    "kid",
    "wrap_key_version",
  ]);
  assert.equal(first.json["wrap_key_version"], 2);
  assert.equal((await rotate(key)).text, first.text);
  (await rotate(newPublicKey()))
    .assertProblem(409, "keys_rotate_no_pending_rotation");
  const { json } = await peer.call("GET", "/state");
  const [seen] = json["peers"] as Record<string, unknown>[];
  assert.equal(seen?.["public_key"], key);
});

function tellEndpoint(node: TestNode2, body: Record<string, unknown> = {}) {
  return node.call("PUT", "/endpoint", {
    endpoint: "[2001:db8::1]:51820",
    nat_type: "port_restricted",
    reported_at: "2026-03-01T12:00:00Z",
    ...body,
  });
}

Deno.test("an endpoint is told to peers", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await join2(plane), await join2(plane)];
  const answer = await tellEndpoint(node);
  assert.deepEqual(answer.json, {
    accepted_at: "2026-03-01T12:00:00.000Z",
    stale_after: "2026-03-02T12:00:00.000Z",
  });
  const [seen] = (await peer.state())["peers"] as Record<string, unknown>[];
  assert.equal(seen?.["fallback_endpoint"], "[2001:db8::1]:51820");
});

for (
  const { body, code } of [
    { body: { endpoint: "host:1" }, code: "endpoint_unparseable" },
    {
      body: { reported_at: "2026-03-01T12:01:01Z" },
      code: "endpoint_clock_skew",
    },
    { body: { reported_at: "now" }, code: "malformed_endpoint_request" },
    { body: { nat_type: "none" }, code: "malformed_endpoint_request" },
    { body: { x: 1 }, code: "malformed_endpoint_request" },
  ]
) {
  Deno.test(`an endpoint with ${JSON.stringify(body)} answers ${code}`, async () => {
    await using plane = await RunningPlane.start();
    (await tellEndpoint(await join2(plane), body)).assertProblem(400, code);
  });
}

Deno.test("capabilities are kept as they are", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const capabilities = {
    binary_version: "1",
    binary_checksum: SUM64,
    declared_hooks: [{ name: "restart", checksum: SUM64 }],
  };
  const put = (body: unknown) => node.call("PUT", "/capabilities", body);
  assert.equal((await put(capabilities)).status, 200);
  const { json } = await node.admin("GET", "/capabilities");
  assert.deepEqual(json["capabilities"], capabilities);
  for (
    const wrong of [
      { ...capabilities, hooks: [] },
      { ...capabilities, binary_checksum: CHECKSUM },
      { ...capabilities, binary_checksum: "!".repeat(44) },
    ]
  ) (await put(wrong)).assertProblem(400, "malformed_body");
  (await put({ ...capabilities, plexd_hooks: ["x".repeat(32 * 1024)] }))
    .assertProblem(413, "body_too_large");
});

Deno.test("a release is described with the sum of each program", async () => {
  const artifactsDir = await Deno.makeTempDir({ prefix: "plexd-cp-" });
  try {
    await Deno.mkdir(`${artifactsDir}/1.0`);
    const file = `${artifactsDir}/1.0/plexd-linux-arm64`;
    await Deno.writeTextFile(file, "abc");
    await Deno.writeTextFile(`${artifactsDir}/1.0/plexd-linux-amd64`, "");
    await using plane = await RunningPlane.start({ artifactsDir });
    const node = await join2(plane);
    const record = () => node.own("GET", "/v1/artifacts/plexd/1.0");
    const amd64 = {
      os: "linux",
      arch: "amd64",
      sha256:
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      bytes: 0,
    };
    const arm64 = {
      os: "linux",
      arch: "arm64",
      sha256:
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      bytes: 3,
    };
    for (let time = 0; time < 2; time++) {
      assert.deepEqual((await record()).json, {
        version: "1.0",
        artifacts: [amd64, arm64],
      });
    }
    await Deno.writeTextFile(file, "");
    const { json } = await record();
    assert.deepEqual(json["artifacts"], [amd64, { ...amd64, arch: "arm64" }]);
    const bytes = await node.own("GET", "/v1/artifacts/plexd/1.0/linux/amd64");
    assert.equal(bytes.status, 200);
    for (const version of ["2.0", "..%2f1.0"]) {
      (await node.own("GET", `/v1/artifacts/plexd/${version}`))
        .assertProblem(404, "artifact_not_found");
    }
  } finally {
    await Deno.remove(artifactsDir, { recursive: true });
  }
});
