import assert from "node:assert/strict";
import { parseSnapshot2 } from "../../src/wire/dialect2/parse_snapshot2.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { join2 } from "./dialect2_node.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

const WEB = {
  roles: ["edge", "canary"],
  version: "1.2.0",
  desired_state: "running",
  policy_refs: ["ssh"],
  resource_refs: ["volume:web"],
  connector_refs: ["vpn-1"],
};

/** Names and roles of the services of a node, and its state's version. */
async function pull(node: TestNode) {
  const { services = [], position } = parseStateDocument(
    (await node.call("GET", "/state")).text,
  );
  const named = services.map(({ name, roles }) => `${name}: ${roles}`);
  return { services: named, version: position?.version };
}

Deno.test("a role brings its services to the nodes that have it, and takes them away", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  const start = (await pull(node)).version!;
  const set = await plane.admin("PUT", "/services/web", WEB);
  assert.deepEqual(set.json, { domain_id: node.domainId, name: "web" });
  assert.deepEqual(await pull(node), { services: [], version: start });
  await node.admin("PUT", "/roles/edge");
  await node.admin("PUT", "/roles/edge");
  const edge = { services: ["web: edge"], version: start + 1 };
  assert.deepEqual(await pull(node), edge);
  assert.deepEqual((await pull(other)).services, []);
  await node.admin("PUT", "/roles/canary");
  assert.deepEqual((await pull(node)).services, ["web: canary,edge"]);
  await node.admin("DELETE", "/roles/edge");
  await node.admin("DELETE", "/roles/canary");
  assert.deepEqual(await pull(node), { services: [], version: start + 4 });
  (await plane.admin("DELETE", `/nodes/${node.id}/roles/edge`))
    .assertProblem(404, "role_not_found");
});

Deno.test("a node gets its services with all that is said of them, in either dialect", async () => {
  await using plane = await RunningPlane.start();
  const [node, node2] = [await plane.join(), await join2(plane)];
  const expires_at = "2027-01-01T00:00:00Z";
  await plane.admin("PUT", "/services/web", { ...WEB, expires_at });
  await plane.admin("PUT", "/services/idle", { roles: ["edge"] });
  await node.admin("PUT", "/roles/edge");
  await node2.admin("PUT", "/roles/edge");
  const expected = [
    {
      name: "idle",
      roles: ["edge"],
      version: "1",
      desiredState: "running",
      policyRefs: [],
      resourceRefs: [],
      connectorRefs: [],
    },
    {
      name: "web",
      roles: ["edge"],
      version: "1.2.0",
      desiredState: "running",
      policyRefs: ["ssh"],
      resourceRefs: ["volume:web"],
      connectorRefs: ["vpn-1"],
      expiresAt: expires_at,
    },
  ];
  const state = (await node.call("GET", "/state")).text;
  assert.deepEqual(parseStateDocument(state).services, expected);
  const snapshot = JSON.stringify(await node2.state());
  assert.deepEqual(parseSnapshot2(snapshot).services, expected);
});

Deno.test("a change of a service tells the nodes that have it to pull, and no others", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join("lab")];
  await node.admin("PUT", "/roles/edge");
  await other.admin("PUT", "/roles/edge");
  const before = await pull(other);
  const stream = await node.events();
  await stream.next();
  await plane.admin("PUT", "/services/web", WEB);
  await plane.admin("PUT", "/services/web", WEB);
  await plane.admin("DELETE", "/services/web");
  for (const version of [3, 4]) {
    const { event, envelope } = await stream.next();
    assert.equal(event, "node_state_updated");
    const payload = JSON.parse(envelope.payload);
    assert.deepEqual(Object.keys(payload), [
      "node_id",
      "epoch",
      "state_version",
    ]);
    assert.equal(payload.state_version, version);
  }
  await stream.close();
  assert.deepEqual(await pull(other), before);
});

Deno.test("services and roles are shown to operators", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join("lab");
  const path = "/services/web?domain=lab";
  await plane.admin("PUT", path, WEB);
  await node.admin("PUT", "/roles/edge");
  const web = { name: "web", ...WEB, roles: ["canary", "edge"] };
  assert.deepEqual((await plane.admin("GET", path)).json, web);
  const list = await plane.admin("GET", "/services?domain=lab");
  assert.deepEqual(list.json, { domain_id: node.domainId, services: [web] });
  assert.deepEqual((await node.admin("GET", "")).json["roles"], ["edge"]);
  (await plane.admin("GET", "/services/web"))
    .assertProblem(404, "service_not_found");
});

const REFUSED: readonly [string, string, unknown, number, string][] = [
  ["PUT", "/services/web", { roles: [] }, 400, "malformed_body"],
  ["PUT", "/services/web", { roles: ["a b"] }, 400, "malformed_body"],
  ["PUT", "/services/web", { roles: ["a"], env: {} }, 400, "malformed_body"],
  [
    "PUT",
    "/services/web",
    { roles: ["a"], expires_at: "soon" },
    400,
    "malformed_body",
  ],
  ["PUT", "/services/.web", WEB, 400, "invalid_name"],
  ["PUT", "/services/web?domain=nowhere", WEB, 404, "domain_not_found"],
  ["DELETE", "/services/web", undefined, 404, "service_not_found"],
  ["PUT", "/nodes/nobody/roles/edge", undefined, 404, "node_not_found"],
];
for (const [method, path, body, status, code] of REFUSED) {
  Deno.test(`${method} ${path} with ${JSON.stringify(body)} answers ${status} ${code}`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.admin(method, path, body)).assertProblem(status, code);
  });
}

Deno.test("a node has at most 64 roles", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  for (let at = 0; at < 64; at++) await node.admin("PUT", `/roles/r${at}`);
  (await plane.admin("PUT", `/nodes/${node.id}/roles/more`))
    .assertProblem(409, "role_quota_exceeded");
  const { json } = await node.admin("GET", "");
  assert.equal((json["roles"] as string[]).length, 64);
});
