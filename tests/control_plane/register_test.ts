import assert from "node:assert/strict";
import { decodeBase64 } from "../../src/wire/base64.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

const TEN_MINUTES_MS = 600_000;

Deno.test("register makes a node of a one-time token", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const answer = await plane.register(token);
  assert.equal(answer.status, 201);
  const node = answer.json;
  assert.match(
    String(node["node_id"]),
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(node["mesh_ip"], "10.42.0.1");
  assert.equal(
    decodeBase64(String(node["signing_public_key"]))?.length,
    32,
  );
  assert.equal(nodeSecretToKey(String(node["node_secret_key"])).length, 32);
  assert.ok(node["domain_id"]);
  assert.deepEqual(node["peers"], []);
});

Deno.test("register gives each node of a domain its own address and its peers", async () => {
  await using plane = await RunningPlane.start();
  const first = await plane.join();
  const answer = await plane.register(await plane.token());
  assert.equal(answer.json["mesh_ip"], "10.42.0.2");
  const [peer] = answer.json["peers"] as Record<string, unknown>[];
  assert.equal(peer?.["id"], first.id);
  assert.deepEqual(peer?.["allowed_ips"], ["10.42.0.1/32"]);
});

Deno.test("register gives a removed node's address to the next one", async () => {
  await using plane = await RunningPlane.start();
  const first = await plane.join();
  await plane.join();
  await first.admin("DELETE", "");
  assert.equal((await plane.join()).meshIp, "10.42.0.1");
});

Deno.test("register refuses a token that is not one", async () => {
  await using plane = await RunningPlane.start();
  (await plane.register("plexd_join_x")).assertProblem(401, "token_invalid");
});

Deno.test("register refuses a bearer that is another token than the body's", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const answer = await plane.call("POST", "/v1/register", {
    bearer: await plane.token(),
    body: { token, public_key: newPublicKey(), hostname: "web-1" },
  });
  answer.assertProblem(401, "token_invalid");
  assert.equal((await plane.register(token)).status, 201);
});

for (
  const { when, ageMs, status } of [
    { when: "just before it expires", ageMs: 59_999, status: 201 },
    { when: "when it expires", ageMs: 60_000, status: 401 },
  ]
) {
  Deno.test(`register answers ${status} to a token ${when}`, async () => {
    await using plane = await RunningPlane.start();
    const token = await plane.token({ ttl: "1m" });
    await plane.clock.advance(ageMs);
    assert.equal((await plane.register(token)).status, status);
  });
}

for (
  const [what, public_key] of [
    ["that is no base64", "?"],
    ["of 31 bytes", btoa("a".repeat(31))],
    ["of 33 bytes", btoa("a".repeat(33))],
  ] as const
) {
  Deno.test(`register refuses a public key ${what} and keeps the token good`, async () => {
    await using plane = await RunningPlane.start();
    const token = await plane.token();
    const answer = await plane.register(token, { public_key });
    answer.assertProblem(400, "public_key_invalid");
    assert.equal((await plane.register(token)).status, 201);
  });
}

Deno.test("register answers a retry with a new key that voids the one before", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token({ ttl: "1m" });
  const public_key = newPublicKey();
  const first = await plane.register(token, { public_key });
  // The token itself has expired by then; the retry window counts.
  await plane.clock.advance(TEN_MINUTES_MS - 1);
  const second = await plane.register(token, { public_key });
  assert.equal(second.status, 201);
  assert.equal(second.json["node_id"], first.json["node_id"]);
  assert.equal(second.json["mesh_ip"], first.json["mesh_ip"]);
  assert.notEqual(
    second.json["node_secret_key"],
    first.json["node_secret_key"],
  );
  const path = `/v1/nodes/${first.json["node_id"]}/state`;
  const old = String(first.json["node_secret_key"]);
  (await plane.call("GET", path, { bearer: old })).assertProblem(
    401,
    "unauthorized",
  );
  const bearer = String(second.json["node_secret_key"]);
  assert.equal((await plane.call("GET", path, { bearer })).status, 200);
});

Deno.test("register refuses a retry with another public key", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  await plane.register(token);
  (await plane.register(token)).assertProblem(409, "token_consumed");
});

Deno.test("register refuses a retry after the node's first call", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  const { json } = await plane.register(token, { public_key });
  await plane.call("GET", `/v1/nodes/${json["node_id"]}/state`, {
    bearer: String(json["node_secret_key"]),
  });
  (await plane.register(token, { public_key })).assertProblem(
    409,
    "token_consumed",
  );
});

Deno.test("register refuses a retry after ten minutes", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  await plane.register(token, { public_key });
  await plane.clock.advance(TEN_MINUTES_MS);
  (await plane.register(token, { public_key })).assertProblem(
    409,
    "token_consumed",
  );
});

Deno.test("register refuses a retry for a node that was removed", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  const { json } = await plane.register(token, { public_key });
  await plane.admin("DELETE", `/nodes/${json["node_id"]}`);
  (await plane.register(token, { public_key })).assertProblem(
    409,
    "token_consumed",
  );
});

Deno.test("register gives one token to one of many nodes that ask at once", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => plane.register(token)),
  );
  const statuses = answers.map((answer) => answer.status).sort();
  assert.deepEqual(statuses, [201, ...Array(7).fill(409)]);
  const { json } = await plane.admin("GET", "/nodes");
  assert.equal((json["nodes"] as unknown[]).length, 1);
});

Deno.test("register still knows tokens and nodes after a restart", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  const first = await plane.register(token, { public_key });
  await plane.restart();
  const again = await plane.register(token, { public_key });
  assert.equal(again.json["node_id"], first.json["node_id"]);
});

Deno.test("register takes a retry that overtakes its first attempt as one", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const public_key = newPublicKey();
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => plane.register(token, { public_key })),
  );
  assert.deepEqual(answers.map(({ status }) => status), [201, 201, 201, 201]);
  const ids = new Set(answers.map(({ json }) => json["node_id"]));
  assert.equal(ids.size, 1);
  const path = `/v1/nodes/${[...ids][0]}/state`;
  const pulls = await Promise.all(
    answers.map(({ json }) =>
      plane.call("GET", path, { bearer: String(json["node_secret_key"]) })
    ),
  );
  const good = pulls.filter(({ status }) => status === 200);
  assert.equal(good.length, 1, "one key counts, the others are void");
});
