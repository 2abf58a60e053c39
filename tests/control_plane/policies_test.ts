import assert from "node:assert/strict";
import { MAX_POLICY_BYTES } from "../../src/control_plane/admin_routes/policies.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

const RULE = {
  src: "10.42.0.1/32",
  dst: "10.42.0.2/32",
  port: 22,
  protocol: "tcp",
  action: "allow",
};

async function pull(node: TestNode) {
  const { policies, position } = parseStateDocument(
    (await node.call("GET", "/state")).text,
  );
  return { policies, version: position?.version };
}

function envelopeEpoch(payload: string): number {
  return JSON.parse(payload).epoch;
}

Deno.test("policies reach all nodes of their domain, and no other", async () => {
  await using plane = await RunningPlane.start();
  const [node, foreign] = [await plane.join(), await plane.join("else")];
  const put = await plane.admin("PUT", "/policies/ssh", { rules: [RULE] });
  assert.deepEqual(put.json, { domain_id: node.domainId, id: "ssh" });
  const policy = { id: "ssh", rules: JSON.stringify([RULE]) };
  assert.deepEqual(await pull(node), { policies: [policy], version: 2 });
  assert.deepEqual(await pull(foreign), { policies: [], version: 1 });
  const stream = await node.events();
  const { event, envelope } = await stream.next();
  await stream.close();
  assert.equal(event, "policy_updated");
  assert.deepEqual(JSON.parse(envelope.payload), {
    node_id: node.id,
    epoch: envelopeEpoch(envelope.payload),
    state_version: 2,
    policies: [{ id: "ssh", rules: [RULE] }],
  });
  const shown = await plane.admin("GET", "/policies/ssh");
  assert.deepEqual(shown.json, { id: "ssh", rules: [RULE] });
  const list = await plane.admin("GET", "/policies");
  assert.deepEqual(list.json["policies"], [{ id: "ssh", rules: [RULE] }]);
});

Deno.test("a policy that is set again as it is changes nothing", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await plane.admin("PUT", "/policies/ssh", { rules: [RULE] });
  await plane.admin("PUT", "/policies/ssh", { rules: [RULE] });
  assert.equal((await pull(node)).version, 2);
  await plane.admin("PUT", "/policies/ssh", { rules: [] });
  assert.equal((await pull(node)).version, 3);
});

Deno.test("a removed policy is gone, and told", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join("lab");
  await plane.admin("PUT", "/policies/ssh?domain=lab", { rules: [RULE] });
  (await plane.admin("DELETE", "/policies/ssh"))
    .assertProblem(404, "policy_not_found");
  const removed = await plane.admin("DELETE", "/policies/ssh?domain=lab");
  assert.equal(removed.status, 204);
  assert.deepEqual(await pull(node), { policies: [], version: 3 });
  (await plane.admin("GET", "/policies/ssh?domain=lab"))
    .assertProblem(404, "policy_not_found");
});

Deno.test("policies of a domain that is not there are refused", async () => {
  await using plane = await RunningPlane.start();
  const path = "/policies/ssh?domain=nowhere";
  (await plane.admin("PUT", path, { rules: [] }))
    .assertProblem(404, "domain_not_found");
  (await plane.admin("GET", "/policies?domain=nowhere"))
    .assertProblem(404, "domain_not_found");
});

Deno.test("policies of a domain have a limit, and a refused one leaves no trace", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const rules = Array(4_000).fill({ ...RULE, dst: "d".repeat(100) });
  const size = JSON.stringify(rules).length;
  const fitting = Math.floor(MAX_POLICY_BYTES / size);
  for (let at = 0; at < fitting; at++) {
    const answer = await plane.admin("PUT", `/policies/p${at}`, { rules });
    assert.equal(answer.status, 200, answer.text);
  }
  const before = await pull(node);
  (await plane.admin("PUT", "/policies/more", { rules }))
    .assertProblem(409, "policy_quota_exceeded");
  assert.deepEqual(await pull(node), before);
});

Deno.test("a policy is for the nodes that its selector names, and follows their metadata", async () => {
  await using plane = await RunningPlane.start();
  const [one, two] = [await plane.join(), await plane.join()];
  const start = (await pull(one)).version!;
  await plane.admin("PUT", "/policies/edge", {
    rules: [RULE],
    metadata: { zone: "edge" },
  });
  await plane.admin("PUT", "/policies/own", { rules: [], nodes: [two.id] });
  const ids = async (node: TestNode) =>
    (await pull(node)).policies.map(({ id }) => id);
  assert.deepEqual([await ids(one), await ids(two)], [[], ["own"]]);
  assert.equal((await pull(one)).version, start, "nothing changed for it");
  await one.admin("PUT", "/metadata/zone", { value: "edge" });
  await two.admin("PUT", "/metadata/zone", { value: "core" });
  assert.deepEqual([await ids(one), await ids(two)], [["edge"], ["own"]]);
  assert.equal((await pull(one)).version, start + 2);
  await one.admin("DELETE", "/metadata/zone");
  assert.deepEqual(await ids(one), []);
  const shown = await plane.admin("GET", "/policies/own");
  assert.deepEqual(shown.json, { id: "own", rules: [], nodes: [two.id] });
});

Deno.test("a node that joins has the policies that are for it", async () => {
  await using plane = await RunningPlane.start();
  await plane.admin("PUT", "/policies/all", { rules: [RULE] });
  const node = await plane.join();
  assert.deepEqual((await pull(node)).policies.map(({ id }) => id), ["all"]);
});

for (
  const selector of [
    { nodes: [] },
    { nodes: ["n1"] },
    { metadata: { zone: 1 } },
    { metadata: { "": "x" } },
  ]
) {
  Deno.test(`a policy for ${JSON.stringify(selector)} is refused`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.admin("PUT", "/policies/p", { rules: [], ...selector }))
      .assertProblem(400, "malformed_body");
  });
}
