import assert from "node:assert/strict";
import { RunningPlane } from "./running_plane.ts";

/** A value of the metrics, by its whole line up to the value. */
function valueOf(text: string, name: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

Deno.test("healthz and readyz are for everybody", async () => {
  await using plane = await RunningPlane.start();
  assert.deepEqual((await plane.call("GET", "/healthz")).json, {
    status: "ok",
  });
  assert.deepEqual((await plane.call("GET", "/readyz")).json, {
    status: "ready",
    reasons: [],
  });
});

Deno.test("readyz says what is missing", async () => {
  await using plane = await RunningPlane.start({ without: ["snapshot"] });
  const answer = await plane.call("GET", "/readyz");
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.json, {
    status: "not ready",
    reasons: ["without snapshot"],
  });
  assert.equal((await plane.call("GET", "/healthz")).status, 200);
});

Deno.test("metrics are for operators, and tell what happened", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  (await plane.call("GET", "/metrics")).assertProblem(401, "unauthorized");
  (await plane.call("GET", "/metrics", { bearer: node.secretKey }))
    .assertProblem(401, "unauthorized");
  await node.call("GET", "/state");
  await node.call("GET", "/state");
  await plane.call("GET", `/v1/nodes/n/state`, { bearer: node.secretKey });
  await plane.call("GET", "/nothing/here");
  const stream = await node.events();
  const answer = await plane.call("GET", "/metrics", {
    bearer: plane.adminToken,
  });
  await stream.close();
  assert.equal(
    answer.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  const prefix = "plexd_control_plane";
  const route = 'method="GET",route="/v1/nodes/{node_id}/state"';
  const { text } = answer;
  const expected: Record<string, number> = {
    [`${prefix}_http_requests_total{${route},code="200"}`]: 2,
    [`${prefix}_http_requests_total{${route},code="403"}`]: 1,
    [`${prefix}_http_request_duration_seconds_count{${route}}`]: 3,
    [`${prefix}_audit_rows_total{relation="node_state.pull",outcome="granted"}`]:
      2,
    [`${prefix}_audit_rows_total{relation="node_state.pull",outcome="insufficient_relation"}`]:
      1,
    [`${prefix}_event_streams`]: 1,
    [`${prefix}_nodes{reachability="new"}`]: 1,
    [`${prefix}_audit_rows_lost_total`]: 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(valueOf(text, name), value, `${name}\n${text}`);
  }
  assert.ok(!text.includes(node.id) && !text.includes("nothing"), text);
});
