import assert from "node:assert/strict";
import { join2 } from "./dialect2_node.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

for (const prefix of ["/v1/domains", "/admin/v1/domains"]) {
  Deno.test(`${prefix} makes domains with a network of their own, and registers nodes`, async () => {
    await using plane = await RunningPlane.start();
    const operator = { bearer: plane.adminToken };
    const made = await plane.call("POST", prefix, {
      ...operator,
      body: { name: "lab", mesh_cidr: "10.7.0.0/30" },
    });
    assert.equal(made.status, 201, made.text);
    const { domain_id, ...domain } = made.json;
    assert.deepEqual(domain, { name: "lab", mesh_cidr: "10.7.0.0/30" });
    const listed = await plane.call("GET", prefix, operator);
    assert.deepEqual(
      (listed.json["domains"] as Record<string, unknown>[])
        .map(({ name }) => name).sort(),
      ["default", "lab"],
    );
    const shown = await plane.call("GET", `${prefix}/lab`, operator);
    assert.deepEqual(shown.json, made.json);
    const nodes = `${prefix}/${domain_id}/nodes`;
    const ips = [];
    for (const dialect of [1, 2]) {
      const answer = await plane.call("POST", nodes, {
        ...operator,
        body: { public_key: newPublicKey(), hostname: "web", dialect },
      });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.json["domain_id"], domain_id);
      assert.ok(answer.json[dialect === 1 ? "node_secret_key" : "nsk"]);
      ips.push(answer.json["mesh_ip"]);
    }
    assert.deepEqual(ips, ["10.7.0.1", "10.7.0.2"]);
    const there = await plane.call("GET", nodes, operator);
    assert.equal((there.json["nodes"] as unknown[]).length, 2);
    const full = await plane.call("POST", nodes, {
      ...operator,
      body: { public_key: newPublicKey() },
    });
    full.assertProblem(503, "pool_exhausted");
  });
}

Deno.test("domains are for operators only", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  for (const options of [{}, { bearer: node.secretKey }]) {
    for (const path of ["/v1/domains", "/v1/domains/x/nodes"]) {
      (await plane.call("POST", path, { ...options, body: {} }))
        .assertProblem(401, "unauthorized");
    }
  }
});

for (
  const { what, body, status, code } of [
    {
      what: "a name twice",
      body: { name: "default" },
      status: 409,
      code: "domain_exists",
    },
    { what: "no name", body: {}, status: 400, code: "malformed_body" },
    {
      what: "a bad name",
      body: { name: "a_b" },
      status: 400,
      code: "malformed_body",
    },
    {
      what: "a network of another domain",
      body: { name: "lab", mesh_cidr: "10.0.0.0/8" },
      status: 409,
      code: "mesh_cidr_taken",
    },
    ...["10.7.0.1/24", "10.7.0.0", "10.7.0.0/31", "10.7.0.0/7", "::/64", "x"]
      .map((mesh_cidr) => ({
        what: `the network ${mesh_cidr}`,
        body: { name: "lab", mesh_cidr },
        status: 400,
        code: "invalid_mesh_cidr",
      })),
  ] as const
) {
  Deno.test(`a domain with ${what} is refused`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.admin("POST", "/domains", body)).assertProblem(status, code);
    const { json } = await plane.admin("GET", "/domains");
    assert.equal((json["domains"] as unknown[]).length, 1);
  });
}

Deno.test("two domains never see each other", async () => {
  await using plane = await RunningPlane.start();
  const [one, two] = [
    await plane.join("one"),
    await join2(plane, { domain: "two" }),
  ];
  const streams = [await one.events(), await two.events()] as const;
  const third = await plane.join("one");
  await plane.admin("PUT", "/policies/p?domain=one", { rules: [] });
  await third.call("PUT", "/endpoint", {
    public_endpoint: "192.0.2.1:1",
    nat_type: "none",
  });
  const pull = (await one.call("GET", "/state")).json;
  assert.deepEqual(
    (pull["peers"] as Record<string, unknown>[]).map(({ id }) => id),
    [third.id],
  );
  const other = await two.state();
  assert.deepEqual(other["peers"], []);
  assert.equal(other["policy"], null);
  assert.notEqual(
    one.meshIp.split(".")[1],
    String(two.registration["mesh_ip"]).split(".")[1],
  );
  await two.admin("PUT", "/metadata/a", { value: "1" });
  assert.equal((await streams[1].next()).event, "node_state_updated");
  assert.equal((await streams[0].next()).event, "peer_added");
  for (const stream of streams) await stream.close();
});

Deno.test("an address is free again when its node is gone", async () => {
  await using plane = await RunningPlane.start();
  const [first, second] = [await plane.join(), await plane.join()];
  await first.call("POST", "/deregister");
  const third = await plane.join();
  assert.equal(third.meshIp, first.meshIp);
  assert.notEqual(second.meshIp, first.meshIp);
});
