import assert from "node:assert/strict";
import { ENDPOINTS, ENDPOINTS_2, fillPath } from "../../src/wire/endpoints.ts";
import { bearerFor } from "../../src/uplink/bearer.ts";
import { join2 } from "./dialect2_node.ts";
import { BUS_AWAY, newPublicKey, RunningPlane } from "./running_plane.ts";

const ONLY_1 = [
  "report",
  "drift",
  "executionAck",
  "executionResult",
] as const;

const CODES: Readonly<Record<string, string>> = {
  state: "insufficient_relation",
  events: "insufficient_relation",
  execution: "nsk_node_mismatch",
};

const ROUTES = Object.entries({ ...ENDPOINTS, ...ENDPOINTS_2 }).filter((
  [name, { path }],
) => path.includes("{node_id}") && !ONLY_1.some((other) => other === name));

function pathOf(path: string, id: string) {
  return fillPath(path, { node_id: id, key: "k", execution_id: "x" });
}

for (const [name, { method, path }] of ROUTES) {
  Deno.test(`${name} of dialect 2 lets its own node in only`, async () => {
    await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const [node, other] = [await join2(plane), await join2(plane)];
    const own = pathOf(path, node.id);
    const wrong = bearerFor(2, node.id, newPublicKey());
    const ofAnother = bearerFor(2, other.id, node.nsk);
    for (
      const bearer of [
        node.nsk,
        wrong,
        ofAnother,
        "nsk_",
        "nsk_plexd_",
        node.bearer.slice(0, -1),
        node.bearer + "A",
        node.bearer.replace("nsk_plexd_", "nsk_a_b_"),
      ]
    ) {
      (await plane.call(method, own, { bearer }))
        .assertProblem(401, "nsk_invalid");
    }
    (await plane.call(method, own)).assertProblem(401, "unauthorized");
    const foreign = pathOf(path, other.id);
    (await plane.call(method, foreign, { bearer: node.bearer }))
      .assertProblem(403, CODES[name] ?? "node_id_mismatch");
    await node.admin("DELETE", "");
    (await plane.call(method, own, { bearer: node.bearer }))
      .assertProblem(401, "nsk_invalid");
  });
}

Deno.test("the environment in a bearer of dialect 2 does not matter", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const bearer = node.bearer.replace("_plexd_", "_prod-1_");
  const answer = await plane.call("GET", `/v1/nodes/${node.id}/state`, {
    bearer,
  });
  assert.equal(answer.status, 200);
});

for (const name of ONLY_1) {
  Deno.test(`${name} is not there for a node of dialect 2`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    const { method, path } = ENDPOINTS[name];
    (await plane.call(method, pathOf(path, node.id), {
      bearer: node.bearer,
      body: {},
    })).assertProblem(404, "not_found");
  });
}

for (const [name, { method, path }] of Object.entries(ENDPOINTS_2)) {
  Deno.test(`${name} of dialect 2 is not there for a node of dialect 1`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const filled = fillPath(path, {
      node_id: node.id,
      key: "k",
      execution_id: "x",
      version: "1",
    });
    (await plane.call(method, filled, { bearer: node.secretKey }))
      .assertProblem(404, "not_found");
  });
}

Deno.test("a node of dialect 1 cannot use the bearer of dialect 2", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const bearer = bearerFor(2, node.id, node.secretKey);
  (await plane.call("GET", `/v1/nodes/${node.id}/state`, { bearer }))
    .assertProblem(401, "nsk_invalid");
});

Deno.test("a node of dialect 2 leaves for good", async () => {
  await using plane = await RunningPlane.start();
  const [node, peer] = [await join2(plane), await join2(plane)];
  assert.equal((await node.call("POST", "/deregister")).status, 204);
  (await node.call("GET", "/state")).assertProblem(401, "nsk_invalid");
  assert.deepEqual((await peer.state())["peers"], []);
});

for (const surface of ["events", "state"] as const) {
  Deno.test(`a control plane without ${surface} says so before anything else`, async () => {
    await using plane = await RunningPlane.start({ without: [surface] });
    const node = await join2(plane);
    const missing = `/v1/nodes/${node.id}/${surface}`;
    for (const options of [{}, { bearer: node.bearer }]) {
      (await plane.call("GET", missing, options))
        .assertProblem(501, "signed_event_bus_not_provisioned");
    }
    const other = surface === "events" ? "state" : "events";
    (await plane.call("GET", `/v1/nodes/${node.id}/${other}`))
      .assertProblem(401, "unauthorized");
  });
}
