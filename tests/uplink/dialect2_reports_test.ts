import assert from "node:assert/strict";
import * as z from "zod/mini";
import { ControlError } from "../../src/uplink/control_error.ts";
import { putReport2Schema } from "../../src/wire/dialect2/bodies.ts";
import { entry } from "../store/open_store.ts";
import { vectors } from "../vectors/load.ts";
import { jsonOf, never, NODE_ID, nodeAt, problem } from "./dialect2_node.ts";
import { failureFrom, TestServer } from "./serve.ts";

const path = (key: string) => `/v1/nodes/${NODE_ID}/state/reports/${key}`;
const accepted = () => Response.json({ accepted_at: "now", key: "health" });

for (const vector of vectors.report_sync) {
  const { name, key, payload_json: payload, expect_status: status } = vector;
  if (payload === undefined || key === undefined) continue;
  Deno.test(`syncReports() sends the request of vector ${name}`, async () => {
    await using server = new TestServer(accepted);
    await nodeAt(server.url).uplink.syncReports({
      entries: [entry(key, payload)],
      deleted: [],
    }, never);
    assert.equal(accepted().status, status);
    const [request] = server.seen;
    assert.equal(request?.method, vector.method);
    assert.equal(request?.path, path(key));
    const body = await jsonOf(request);
    assert.deepEqual(body, vector.body);
    z.parse(putReport2Schema, body);
  });
}

Deno.test("syncReports() sends payloads byte for byte", async () => {
  const payload = `{"b":1.0,  "a":[1E+05], "<": "é"}`;
  await using server = new TestServer(accepted);
  const { uplink } = nodeAt(server.url);
  await uplink.syncReports(
    { entries: [entry("a", payload)], deleted: [] },
    never,
  );
  assert.deepEqual(await jsonOf(server.seen[0]), { value: payload });
});

Deno.test("syncReports() goes through keys in ascending order, up to a failure", async () => {
  await using server = new TestServer((request) => {
    if (request.path.endsWith("/c")) return problem(500);
    return request.method === "PUT"
      ? accepted()
      : new Response(null, { status: 204 });
  });
  const changes = {
    entries: [entry("c"), entry("a"), entry("d")],
    deleted: ["b"],
  };
  const { uplink } = nodeAt(server.url);
  const error = await failureFrom(uplink.syncReports(changes, never));
  assert.ok(error instanceof ControlError);
  assert.equal(error.kind, "server");
  assert.deepEqual(server.seen.map(({ method, path }) => [method, path]), [
    ["PUT", path("a")],
    ["DELETE", path("b")],
    ["PUT", path("c")],
  ]);
});

for (const vector of vectors.report_sync) {
  const { name, method, key, server_status: status, server_code } = vector;
  if (status === undefined || key === undefined) continue;
  Deno.test(`syncReports() takes the answer of vector ${name} as it says`, async () => {
    await using server = new TestServer(() => problem(status, server_code));
    const syncing = nodeAt(server.url).uplink.syncReports(
      method === "DELETE"
        ? { entries: [], deleted: [key] }
        : { entries: [entry(key)], deleted: [] },
      never,
    );
    // What becomes of the others is decided by the report syncer.
    if (vector.outcome === "done") return await syncing;
    const error = await failureFrom(syncing);
    assert.ok(error instanceof ControlError);
    assert.equal(error.status, status);
    assert.equal(error.code, server_code);
  });
}

const notDone: [what: string, answer: () => Response][] = [
  ["says that the node is not known", () => problem(404, "node_not_found")],
  ["says nothing of reports", () => new Response("nothing", { status: 404 })],
  ["is a web page", () => new Response("<html>Log in</html>")],
];

for (const [what, answer] of notDone) {
  Deno.test(`a deletion is not done when the answer ${what}`, async () => {
    await using server = new TestServer(answer);
    const { uplink } = nodeAt(server.url);
    const changes = { entries: [], deleted: ["a"] };
    const error = await failureFrom(uplink.syncReports(changes, never));
    assert.ok(error instanceof ControlError);
  });
}
