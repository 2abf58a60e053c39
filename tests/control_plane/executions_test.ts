import assert from "node:assert/strict";
import { MAX_OUTPUT_BYTES } from "../../src/control_plane/executions.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

async function request(node: TestNode): Promise<string> {
  const answer = await node.admin("POST", "/actions", { action: "restart" });
  assert.equal(answer.status, 202);
  return String(answer.json["execution_id"]);
}

const accepted = { status: "accepted", reason: "" };
const rejected = { status: "rejected", reason: "actions_disabled" };

function ack(node: TestNode, id: string, body: Record<string, unknown>) {
  return node.call("POST", `/executions/${id}/ack`, {
    execution_id: id,
    ...body,
  });
}

function result(
  node: TestNode,
  id: string,
  body: Record<string, unknown> = {},
) {
  return node.call("POST", `/executions/${id}/result`, {
    execution_id: id,
    status: "success",
    exit_code: 0,
    stdout: "done\n",
    stderr: "",
    duration: "1.5s",
    finished_at: "2026-03-01T12:00:01Z",
    ...body,
  });
}

async function shown(node: TestNode): Promise<Record<string, unknown>> {
  const { json } = await node.admin("GET", "/executions");
  return (json["executions"] as Record<string, unknown>[])[0]!;
}

Deno.test("an action is told to its node, and shown with its result", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const { json } = await node.admin("POST", "/actions", {
    action: "service.restart",
    parameters: { unit: "web" },
    timeout: "90s",
  });
  const id = String(json["execution_id"]);
  const stream = await node.events();
  const { envelope } = await stream.nextOf("action_request");
  await stream.close();
  assert.deepEqual(JSON.parse(envelope.payload), {
    node_id: node.id,
    epoch: Math.floor(plane.clock.now() / 1000),
    state_version: 2,
    execution_id: id,
    action: "service.restart",
    parameters: { unit: "web" },
    timeout: "1m30s",
    expires_at: "2026-03-01T13:00:00.000Z",
  });
  assert.equal((await shown(node))["state"], "pending");
  assert.equal((await ack(node, id, accepted)).status, 200);
  assert.equal((await shown(node))["state"], "accepted");
  assert.equal((await result(node, id, { exit_code: 3 })).status, 200);
  const execution = await shown(node);
  assert.equal(execution["state"], "finished");
  const ended = execution["result"] as Record<string, unknown>;
  assert.deepEqual([ended["exit_code"], ended["stdout"]], [3, "done\n"]);
  assert.deepEqual((await other.admin("GET", "/executions")).json, {
    executions: [],
  });
});

/** What is said before, what is said now, and what is answered. */
const SEQUENCES: {
  readonly before: readonly ("accept" | "reject" | "finish")[];
  readonly now: "accept" | "reject" | "reject otherwise" | "finish" | "fail";
  readonly status: 200 | 409;
}[] = [
  { before: [], now: "accept", status: 200 },
  { before: [], now: "reject", status: 200 },
  { before: [], now: "finish", status: 200 },
  { before: ["accept"], now: "accept", status: 200 },
  { before: ["accept"], now: "reject", status: 409 },
  { before: ["reject"], now: "reject", status: 200 },
  { before: ["reject"], now: "reject otherwise", status: 409 },
  { before: ["reject"], now: "accept", status: 409 },
  { before: ["reject"], now: "finish", status: 409 },
  { before: ["accept", "finish"], now: "finish", status: 200 },
  { before: ["accept", "finish"], now: "fail", status: 409 },
  { before: ["finish"], now: "accept", status: 200 },
  { before: ["finish"], now: "reject", status: 409 },
];

for (const { before, now, status } of SEQUENCES) {
  const what = before.length > 0 ? before.join(" and ") : "nothing";
  Deno.test(`an execution after ${what} answers ${status} to ${now}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const id = await request(node);
    const say = {
      "accept": () => ack(node, id, accepted),
      "reject": () => ack(node, id, rejected),
      "reject otherwise": () =>
        ack(node, id, { status: "rejected", reason: "unknown_action" }),
      "finish": () => result(node, id),
      "fail": () => result(node, id, { status: "failed", exit_code: 1 }),
    };
    for (const earlier of before) {
      assert.equal((await say[earlier]()).status, 200);
    }
    const known = await shown(node);
    const answer = await say[now]();
    if (status === 200) return assert.equal(answer.status, 200, answer.text);
    answer.assertProblem(409, "execution_conflict");
    assert.deepEqual(await shown(node), known);
  });
}

Deno.test("an execution of another node, or of none, is not found", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const id = await request(node);
  for (const unknown of [id, "nothing"]) {
    (await ack(other, unknown, accepted))
      .assertProblem(404, "execution_not_found");
    (await result(other, unknown)).assertProblem(404, "execution_not_found");
  }
});

Deno.test("an execution is the same in path and body", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const id = await request(node);
  (await ack(node, id, { ...accepted, execution_id: "x" }))
    .assertProblem(400, "execution_id_mismatch");
  (await result(node, id, { execution_id: "x" }))
    .assertProblem(400, "execution_id_mismatch");
});

Deno.test("output of an execution is cut at whole characters, and repeats are known", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const id = await request(node);
  const stdout = "x" + "😀".repeat(MAX_OUTPUT_BYTES / 4);
  for (let time = 0; time < 2; time++) {
    assert.equal((await result(node, id, { stdout })).status, 200);
  }
  const kept = (await shown(node))["result"] as Record<string, unknown>;
  assert.equal(kept["stdout"], stdout.slice(0, -2));
  assert.equal(kept["truncated"], true);
});

Deno.test("executions are kept to a number, the newest ones", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const first = await request(node);
  for (let count = 0; count < 200; count++) await request(node);
  const { json } = await node.admin("GET", "/executions");
  const ids = (json["executions"] as Record<string, unknown>[])
    .map((execution) => execution["execution_id"]);
  assert.equal(ids.length, 200);
  assert.ok(!ids.includes(first));
});
