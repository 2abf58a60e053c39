import assert from "node:assert/strict";
import { RunningPlane } from "./running_plane.ts";

async function rows(plane: RunningPlane, query = "") {
  const { json } = await plane.admin("GET", `/audit${query}`);
  return json["audit"] as Record<string, unknown>[];
}

Deno.test("the audit log can be followed", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const [newest] = await rows(plane);
  assert.deepEqual(await rows(plane, `?after=${newest!["id"]}`), []);
  await node.call("GET", "/state");
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const later = await rows(plane, `?after=${newest!["id"]}`);
  assert.deepEqual(later.map(({ relation }) => relation), [
    "node_state.pull",
    "metadata.set",
  ]);
  const all = await rows(plane, "?after=0");
  assert.deepEqual(all, (await rows(plane)).toReversed());
});

for (const after of ["x", "-1", "1.5", ""]) {
  Deno.test(`following after ${JSON.stringify(after)} is refused`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.admin("GET", `/audit?after=${after}`))
      .assertProblem(400, "malformed_query");
  });
}

Deno.test("audit rows tell from which address nodes and operators called", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const other = await plane.join();
  await node.call("GET", "/state");
  await plane.call("GET", `/v1/nodes/${other.id}/state`, {
    bearer: node.secretKey,
    // Anybody can say that.
    headers: { "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" },
  });
  await node.admin("PUT", "/metadata/a", { value: "1" });
  await node.call("POST", "/deregister");
  const found = await rows(plane);
  const kinds = new Set(
    found.map(({ relation, outcome }) => `${relation} ${outcome}`),
  );
  assert.deepEqual([...kinds].sort(), [
    "metadata.set done",
    "node.deregister done",
    "node.register granted",
    "node_state.pull granted",
    "node_state.pull insufficient_relation",
    "token.create done",
  ]);
  for (const row of found) {
    assert.equal(row["source"], "127.0.0.1", JSON.stringify(row));
  }
});

Deno.test("audit rows go after thirty days", async () => {
  await using plane = await RunningPlane.start();
  await plane.join();
  assert.ok((await rows(plane)).length > 0);
  plane.clock.jump(31 * 24 * 3_600_000);
  await plane.clock.advance(3_600_000);
  for (let tries = 0; (await rows(plane)).length > 0; tries++) {
    assert.ok(tries < 1_000, "they are still there");
  }
});

Deno.test("an operator sees what a node would get", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/data/a", '{"content_type":"x/y","payload":1.0}');
  const seen = await node.admin("GET", "/state");
  assert.equal(seen.text, (await node.call("GET", "/state")).text);
  (await plane.admin("GET", "/nodes/n/state"))
    .assertProblem(404, "node_not_found");
});
