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
    domain_id: node.domainId,
    policy_id: "ssh",
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
