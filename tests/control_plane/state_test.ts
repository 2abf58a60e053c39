import assert from "node:assert/strict";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

async function pull(node: TestNode) {
  const answer = await node.call("GET", "/state");
  assert.equal(answer.status, 200, answer.text);
  return { text: answer.text, state: parseStateDocument(answer.text) };
}

Deno.test("state is empty, numbered and complete for a new node", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const { text, state } = await pull(node);
  assert.equal(state.nodeId, node.id);
  assert.deepEqual(state.position, {
    epoch: Math.floor(plane.clock.now() / 1000),
    version: 1,
  });
  assert.deepEqual(state.signingKeys, { current: node.signingKey });
  const document = JSON.parse(text);
  for (const name of ["peers", "policies", "data", "secret_refs"]) {
    assert.deepEqual(document[name], [], name);
  }
  assert.deepEqual(document.metadata, {});
});

Deno.test("state shows what an operator set, payloads by their own text", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/region", { value: "eu\u20281 <&>" });
  await node.admin("PUT", "/metadata/__proto__", { value: "x" });
  const payload = '{"z":1.0,"a":12345678901234567890,"z":1e+05,"s":"\\u00e9"}';
  await node.admin(
    "PUT",
    "/data/motd",
    `{"content_type":"application/json","payload": ${
      payload.replaceAll(",", ",\r\n  ")
    }}`,
  );
  await node.admin("PUT", "/secrets/password", { value: "hunter2" });
  const { state, text } = await pull(node);
  assert.deepEqual([...state.metadata], [
    ["__proto__", "x"],
    ["region", "eu\u20281 <&>"],
  ]);
  assert.deepEqual(state.data, [{
    key: "motd",
    contentType: "application/json",
    payload,
    version: 1,
    updatedAt: "2026-03-01T12:00:00.000Z",
  }]);
  assert.deepEqual(state.secretRefs, [{ key: "password", version: 1 }]);
  assert.equal(state.position?.version, 5);
  assert.ok(!text.includes("hunter2"));
});

Deno.test("state versions of data and secrets go on after a removal", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const entry = { content_type: "text/plain", payload: "a" };
  await node.admin("PUT", "/data/k", entry);
  await node.admin("PUT", "/secrets/k", { value: "a" });
  await node.admin("DELETE", "/data/k");
  await node.admin("DELETE", "/secrets/k");
  const between = (await pull(node)).state;
  assert.deepEqual([between.data, between.secretRefs], [[], []]);
  const again = await node.admin("PUT", "/data/k", entry);
  assert.equal(again.json["version"], 2);
  await node.admin("PUT", "/secrets/k", { value: "a" });
  const { state } = await pull(node);
  assert.equal(state.data[0]?.version, 2);
  assert.deepEqual(state.secretRefs, [{ key: "k", version: 2 }]);
});

Deno.test("state keeps its number when the same value is set again", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const entry = { content_type: "text/plain", payload: { a: [1] } };
  for (let time = 0; time < 2; time++) {
    await node.admin("PUT", "/metadata/k", { value: "v" });
    await node.admin("PUT", "/data/k", entry);
  }
  const { state } = await pull(node);
  assert.equal(state.position?.version, 3);
  assert.equal(state.data[0]?.version, 1);
});

Deno.test("state is the same after a restart, epoch included", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.admin("PUT", "/metadata/k", { value: "v" });
  const before = await pull(node);
  await plane.clock.advance(5_000);
  await plane.restart();
  assert.equal((await pull(node)).text, before.text);
});

Deno.test("state names the other nodes of the domain only, by ascending id", async () => {
  await using plane = await RunningPlane.start();
  const here = [await plane.join(), await plane.join(), await plane.join()];
  const there = await plane.join("elsewhere");
  const { state } = await pull(here[1]!);
  assert.deepEqual(
    state.peers.map((peer) => peer.id),
    [here[0]!.id, here[2]!.id].sort(),
  );
  assert.equal(there.meshIp, "10.43.0.1");
  assert.deepEqual((await pull(there)).state.peers, []);
});

Deno.test("state shows the key before only while its transition lasts", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await plane.admin("POST", "/signing-keys/rotate", { transition: "1m" });
  const during = (await pull(node)).state.signingKeys;
  assert.equal(during?.previous, node.signingKey);
  assert.equal(during?.transitionExpires, "2026-03-01T12:01:00.000Z");
  await plane.clock.advance(60_000);
  const after = (await pull(node)).state.signingKeys;
  assert.deepEqual(after, { current: during?.current });
});

for (
  const { accept, encoding } of [
    { accept: "gzip", encoding: "gzip" },
    { accept: "br;q=1.0, GZIP ;q=0.5", encoding: "gzip" },
    { accept: "gzip;q=0", encoding: null },
    { accept: "identity", encoding: null },
  ]
) {
  Deno.test(`state is encoded as ${encoding} for "${accept}"`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    const small = await rawState(node, accept);
    assert.equal(small.encoding, null);
    await node.admin("PUT", "/metadata/k", { value: "v".repeat(100_000) });
    const large = await rawState(node, accept);
    assert.equal(large.encoding, encoding);
    assert.equal(large.length < 10_000, encoding === "gzip");
  });
}

/** Asked for without a client that would decode the answer. */
async function rawState(node: TestNode, acceptEncoding: string) {
  const { hostname, port } = new URL(node.plane.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(
    new TextEncoder().encode(
      `GET /v1/nodes/${node.id}/state HTTP/1.1\r\nHost: h\r\n` +
        `Authorization: Bearer ${node.secretKey}\r\n` +
        `Accept-Encoding: ${acceptEncoding}\r\nConnection: close\r\n\r\n`,
    ),
  );
  const bytes = await new Response(connection.readable).bytes();
  const text = new TextDecoder("latin1").decode(bytes);
  assert.match(text, /^HTTP\/1.1 200 /);
  const encoding = /\r\ncontent-encoding: (\S+)/i.exec(text)?.[1] ?? null;
  return { encoding, length: bytes.length };
}
