import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { MAX_UPLOAD_BYTES } from "../../src/control_plane/dialect2/outputs.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { join2, type TestNode2 } from "./dialect2_node.ts";
import { type Answer, RunningPlane } from "./running_plane.ts";

async function request(node: TestNode2): Promise<string> {
  const { json } = await node.admin("POST", "/actions", {
    action: "restart",
    parameters: { unit: "web" },
  });
  return String(json["execution_id"]);
}

function step(
  node: TestNode2,
  id: string,
  status: string,
  body: Record<string, unknown> = {},
): Promise<Answer> {
  return node.call("POST", `/executions/${id}`, { status, ...body });
}

async function begun(node: TestNode2): Promise<string> {
  const id = await request(node);
  for (const status of ["ack", "started"]) {
    assert.equal((await step(node, id, status)).status, 200);
  }
  return id;
}

async function shown(node: TestNode2): Promise<Record<string, unknown>> {
  const { json } = await node.admin("GET", "/executions");
  return (json["executions"] as Record<string, unknown>[])[0]!;
}

Deno.test("an execution is in every snapshot until it has ended", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await request(node);
  const pulled = async () => (await node.state())["executions"];
  const execution = {
    execution_id: id,
    action: "restart",
    type: "builtin",
    parameters: { unit: "web" },
    status: "pending",
    requested_at: "2026-03-01T12:00:00.000Z",
    expires_at: "2026-03-01T13:00:00.000Z",
  };
  assert.deepEqual(await pulled(), [execution]);
  await node.call("PUT", "/capabilities", {
    binary_version: "1",
    binary_checksum: encodeBase64(new Uint8Array(32)),
    declared_hooks: [{ name: "restart", checksum: "x" }],
  });
  for (const status of ["ack", "started"]) {
    await step(node, id, status);
    assert.deepEqual(await pulled(), [{ ...execution, type: "hook", status }]);
  }
  await step(node, id, "failed", { exit_code: 3, error: "no unit" });
  assert.deepEqual(await pulled(), []);
  const { state, result } = await shown(node);
  assert.equal(state, "finished");
  assert.deepEqual(result, {
    status: "failed",
    exit_code: 3,
    error: "no unit",
  });
});

Deno.test("an execution that is too late is not told, nor begun", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const [late, running] = [await request(node), await begun(node)];
  await plane.clock.advance(3_600_000);
  const told = (await node.state())["executions"] as { execution_id: string }[];
  assert.deepEqual(told.map(({ execution_id }) => execution_id), [running]);
  (await step(node, late, "ack")).assertProblem(409, "execution_expired");
  assert.equal((await step(node, running, "succeeded")).status, 200);
});

/** What was said in order, what is said now, and what is answered. */
const SEQUENCES: {
  readonly before: readonly string[];
  readonly now: string;
  readonly status: 200 | 409;
}[] = [
  { before: [], now: "ack", status: 200 },
  { before: [], now: "started", status: 409 },
  { before: [], now: "failed", status: 409 },
  { before: ["ack"], now: "ack", status: 200 },
  { before: ["ack"], now: "started", status: 200 },
  { before: ["ack"], now: "succeeded", status: 409 },
  { before: ["ack", "started"], now: "ack", status: 409 },
  { before: ["ack", "started"], now: "started", status: 200 },
  { before: ["ack", "started"], now: "cancelled", status: 200 },
  { before: ["ack", "started", "failed"], now: "failed", status: 200 },
  { before: ["ack", "started", "failed"], now: "succeeded", status: 409 },
  { before: ["ack", "started", "failed"], now: "started", status: 409 },
];

for (const { before, now, status } of SEQUENCES) {
  Deno.test(`"${now}" after "${before.at(-1) ?? "pending"}" answers ${status}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    const id = await request(node);
    for (const earlier of before) await step(node, id, earlier);
    const known = await shown(node);
    const answer = await step(node, id, now);
    if (status === 200) return assert.equal(answer.status, 200, answer.text);
    answer.assertProblem(409, "execution_conflict");
    assert.deepEqual(await shown(node), known);
  });
}

Deno.test("an execution of another node, or of none, is not found", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await join2(plane), await join2(plane)];
  const id = await request(node);
  for (const unknown of [id, "nothing"]) {
    (await step(other, unknown, "ack"))
      .assertProblem(404, "execution_not_found");
  }
});

Deno.test("a short output comes with the callback", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await begun(node);
  const bytes = new Uint8Array([0x64, 0x6f, 0x6e, 0x65, 0xff]);
  const inline = encodeBase64(bytes);
  for (let time = 0; time < 2; time++) {
    const answer = await step(node, id, "succeeded", { output: { inline } });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.deepEqual((await shown(node))["result"], {
    status: "succeeded",
    output: "done\ufffd",
    output_sha256: createHash("sha256").update(bytes).digest("hex"),
  });
});

Deno.test("a long output is uploaded without a bearer, and named", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await begun(node);
  const output = "x".repeat(100_000);
  const sha256 = createHash("sha256").update(output).digest("hex");
  const { json } = await step(node, id, "started", {
    declared_output_bytes: output.length,
  });
  const { object_key } = json;
  const upload_url = String(json["upload_url"]);
  assert.ok(upload_url.startsWith(`${plane.url}/`));
  const path = upload_url.slice(plane.url.length);
  const named = { output: { object_key, sha256 } };
  (await step(node, id, "succeeded", named))
    .assertProblem(409, "output_not_uploaded");
  (await plane.call("PUT", path, { body: output.slice(1) }))
    .assertProblem(400, "output_size_mismatch");
  (await plane.call("PUT", path, { body: `${output}x` }))
    .assertProblem(413, "body_too_large");
  (await plane.call("PUT", `${path}x`, { body: output }))
    .assertProblem(404, "not_found");
  await plane.restart();
  for (let time = 0; time < 2; time++) {
    assert.equal((await plane.call("PUT", path, { body: output })).status, 204);
  }
  (await plane.call("PUT", path, { body: "y".repeat(output.length) }))
    .assertProblem(409, "output_exists");
  (await step(node, id, "succeeded", {
    output: { object_key, sha256: "0".repeat(64) },
  })).assertProblem(400, "malformed_body");
  const other = await begun(node);
  (await step(node, other, "succeeded", named))
    .assertProblem(409, "output_not_uploaded");
  const answer = await step(node, id, "succeeded", named);
  assert.equal(answer.status, 200, answer.text);
  const { json: all } = await node.admin("GET", "/executions");
  const [, first] = all["executions"] as { result: unknown }[];
  assert.deepEqual(first?.result, {
    status: "succeeded",
    output: output.slice(0, 65_536),
    output_sha256: sha256,
    truncated: true,
  });
});

Deno.test("behind a proxy, an output is uploaded to where the proxy is", async () => {
  const publicUrl = "https://plane.example/plexd";
  await using plane = await RunningPlane.start({ publicUrl });
  const node = await join2(plane);
  const { json } = await step(node, await begun(node), "started", {
    declared_output_bytes: 16_385,
  });
  const url = String(json["upload_url"]);
  assert.ok(url.startsWith(`${publicUrl}/v1/outputs/`), url);
  const path = url.slice(publicUrl.length);
  const body = "x".repeat(16_385);
  assert.equal((await plane.call("PUT", path, { body })).status, 204);
});

Deno.test("an upload is open for ten minutes, and the last one counts", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await begun(node);
  const open = async () => {
    const { json } = await step(node, id, "started", {
      declared_output_bytes: 16_385,
    });
    return String(json["upload_url"]).slice(plane.url.length);
  };
  const body = "x".repeat(16_385);
  const [first, second] = [await open(), await open()];
  (await plane.call("PUT", first, { body })).assertProblem(404, "not_found");
  await plane.clock.advance(600_000);
  (await plane.call("PUT", second, { body })).assertProblem(404, "not_found");
});

Deno.test("an output of 16 KiB needs no upload, one over the limit has no room", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await begun(node);
  const declare = (declared_output_bytes: number) =>
    step(node, id, "started", { declared_output_bytes });
  assert.deepEqual((await declare(16_384)).json, { status: "started" });
  (await declare(MAX_UPLOAD_BYTES + 1))
    .assertProblem(413, "payload_too_large");
});

for (
  const { what, status, body, refusal = 400, code = "malformed_body" } of [
    { what: "another status", status: "pending", body: {} },
    { what: "a member too many", status: "started", body: { x: 1 } },
    {
      what: "an output before its end",
      status: "started",
      body: { output: { inline: "" } },
    },
    {
      what: "a size at its end",
      status: "failed",
      body: { declared_output_bytes: 1 },
    },
    {
      what: "a negative size",
      status: "started",
      body: { declared_output_bytes: -1 },
    },
    { what: "an empty output", status: "failed", body: { output: {} } },
    {
      what: "two outputs",
      status: "failed",
      body: { output: { inline: "", object_key: "x" } },
    },
    {
      what: "an output that is no base64",
      status: "failed",
      body: { output: { inline: "?" } },
    },
    {
      what: "a long inline output",
      status: "failed",
      body: { output: { inline: encodeBase64(new Uint8Array(16_385)) } },
      refusal: 413,
      code: "payload_too_large",
    },
  ]
) {
  Deno.test(`a callback with ${what} is refused`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    const id = await begun(node);
    (await step(node, id, status, body)).assertProblem(refusal, code);
    assert.equal((await shown(node))["state"], "started");
  });
}

Deno.test("the ticket of an upload that fails inside is not logged", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const id = await request(node);
  await step(node, id, "ack");
  const { json } = await step(node, id, "started", {
    declared_output_bytes: 20_000,
  });
  const ticket = String(json["upload_url"]).split("/").at(-1)!;
  const database = new DatabaseSync(`${plane.dataDir}/control-plane.db`);
  database.exec("ALTER TABLE outputs RENAME TO elsewhere");
  database.close();
  const answer = await plane.call("PUT", `/v1/outputs/${ticket}`, {
    body: "x".repeat(20_000),
  });
  answer.assertProblem(503, "datastore_unavailable");
  const log = JSON.stringify(plane.log.lines);
  assert.match(log, /"\/v1\/outputs\/\{ticket\}"/);
  assert.ok(!log.includes(ticket));
});
