import assert from "node:assert/strict";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { secretResponseSchema } from "../../src/wire/bodies.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { checkShape } from "../../src/wire/shape_error.ts";
import { join2 } from "./dialect2_node.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

async function read(node: TestNode, key: string) {
  const answer = await node.call(
    "GET",
    `/secrets/${encodeURIComponent(key)}`,
  );
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const secret = checkShape("secret", secretResponseSchema, answer.json);
  const value = await decryptSecret(nodeSecretToKey(node.secretKey), secret);
  return { value, secret };
}

for (
  const [what, key, value] of [
    ["a plain value", "db-password", "correct horse"],
    ["an empty value", "empty", ""],
    ["a value beyond ASCII", "emoji 😀/…", "Zoë 😀\u0000\n"],
  ] as const
) {
  Deno.test(`secret brings ${what} encrypted for the node`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const path = `/secrets/${encodeURIComponent(key)}`;
    await node.admin("PUT", path, { value });
    const { value: read1, secret } = await read(node, key);
    assert.equal(read1, value);
    assert.deepEqual([secret.key, secret.version], [key, 1]);
    await plane.restart();
    const again = await read(node, key);
    assert.equal(again.value, value);
    assert.notEqual(again.secret.nonce, secret.nonce);
  });
}

Deno.test("secret shows the newest version, and nothing after its removal", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/secrets/k", { value: "one" });
  await node.admin("PUT", "/secrets/k", { value: "two" });
  const { value, secret } = await read(node, "k");
  assert.deepEqual([value, secret.version], ["two", 2]);
  await node.admin("DELETE", "/secrets/k");
  (await node.call("GET", "/secrets/k")).assertProblem(
    404,
    "secret_not_found",
  );
});

Deno.test("secret of one node is not there for another", async () => {
  await using plane = await RunningPlane.start();
  const [node, other] = [await plane.join(), await plane.join()];
  await node.admin("PUT", "/secrets/k", { value: "mine" });
  (await other.call("GET", "/secrets/k")).assertProblem(
    404,
    "secret_not_found",
  );
});

Deno.test("no secret, key or token lies in the clear on disk or in the log", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  const { json } = await plane.register(token);
  const id = String(json["node_id"]);
  const secretKey = String(json["node_secret_key"]);
  await plane.admin("PUT", `/nodes/${id}/secrets/k`, {
    value: "canary-value-of-a-secret",
  });
  await plane.admin("POST", "/signing-keys/rotate", {});
  await plane.call("GET", `/v1/nodes/${id}/secrets/k`, { bearer: secretKey });
  const { adminToken } = plane;
  await plane.stop();
  const canaries = [
    "canary-value-of-a-secret",
    token,
    secretKey,
    new TextDecoder("latin1").decode(nodeSecretToKey(secretKey)),
  ];
  for (const file of Deno.readDirSync(plane.dataDir)) {
    const text = new TextDecoder("latin1").decode(
      Deno.readFileSync(`${plane.dataDir}/${file.name}`),
    );
    for (const [at, canary] of canaries.entries()) {
      assert.ok(!text.includes(canary), `canary ${at} in ${file.name}`);
    }
    const mayHoldAdmin = file.name === "admin-token";
    assert.equal(text.includes(adminToken), mayHoldAdmin, file.name);
  }
  for (const [at, canary] of [...canaries, adminToken].entries()) {
    assert.ok(!plane.log.text.includes(canary), `canary ${at} in the log`);
  }
});

for (const dialect of [1, 2] as const) {
  Deno.test(`secrets are given 300 at once, then 10 a second, dialect ${dialect}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await (dialect === 1 ? plane.join() : join2(plane));
    for (let count = 0; count < 300; count++) {
      assert.equal((await node.call("GET", "/secrets/x")).status, 404);
    }
    const answer = await node.call("GET", "/secrets/x");
    answer.assertProblem(429, "per_node_rate_limited");
    assert.equal(answer.headers.get("retry-after"), "1");
    await plane.clock.advance(100);
    assert.equal((await node.call("GET", "/secrets/x")).status, 404);
  });
}
