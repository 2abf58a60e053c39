import assert from "node:assert/strict";
import { join2, type TestNode2 } from "./dialect2_node.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

type AnyNode = TestNode | TestNode2;

async function pull(node: AnyNode, ...known: string[]) {
  const bearer = "bearer" in node ? node.bearer : node.secretKey;
  return await node.plane.call("GET", `/v1/nodes/${node.id}/state`, {
    bearer,
    headers: known.length === 0 ? {} : { "if-none-match": known.join(", ") },
  });
}

function tagOf({ headers }: { readonly headers: Headers }): string {
  const etag = headers.get("etag");
  assert.match(String(etag), /^W\/"[\w-]{43}"$/);
  return etag!;
}

async function beat2(node: TestNode2) {
  const answer = await node.call("POST", "/heartbeat", {
    client_now: new Date(node.plane.clock.now()).toISOString(),
    binary_checksum: "a".repeat(64),
    binary_version: "1",
    nat_summary: {},
  });
  assert.equal(answer.status, 200);
}

for (
  const { dialect, join } of [
    { dialect: 1, join: (plane: RunningPlane) => plane.join() },
    { dialect: 2, join: (plane: RunningPlane) => join2(plane) },
  ]
) {
  Deno.test(`two pulls of dialect ${dialect} are the same bytes, and the second need not be sent`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join(plane);
    await plane.join();
    await plane.admin("PUT", "/policies/ssh", { rules: [] });
    const [first, second] = [await pull(node), await pull(node)];
    assert.equal(second.text, first.text);
    const tag = tagOf(first);
    for (
      const known of [[tag], ['"x"', tag], [tag.replace("W/", "")], ["*"]]
    ) {
      const answer = await pull(node, ...known);
      assert.equal(answer.status, 304);
      assert.equal(answer.text, "");
      assert.equal(tagOf(answer), tag);
    }
    assert.equal((await pull(node, '"x"', 'W/"y"')).status, 200);
  });

  Deno.test(`a change is another entity tag in dialect ${dialect}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join(plane);
    const tags = [tagOf(await pull(node))];
    await node.admin("PUT", "/metadata/zone", { value: "a" });
    tags.push(tagOf(await pull(node, ...tags)));
    await plane.join();
    tags.push(tagOf(await pull(node, ...tags)));
    assert.equal(new Set(tags).size, 3);
  });
}

Deno.test("a heartbeat alone is no other entity tag, a change of reachability is", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const never = tagOf(await pull(node));
  await beat2(node);
  const healthy = await pull(node, never);
  assert.equal(healthy.status, 200);
  await plane.clock.advance(10_000);
  await beat2(node);
  const later = await pull(node);
  assert.notEqual(later.text, healthy.text);
  assert.equal(tagOf(later), tagOf(healthy));
  assert.equal((await pull(node, tagOf(healthy))).status, 304);
});

Deno.test("a signed state has a lifetime of its own, and no entity tag", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const answer = await plane.call("GET", `/v1/nodes/${node.id}/state`, {
    bearer: node.secretKey,
    headers: {
      accept: "application/vnd.plexd.snapshot+json",
      "if-none-match": "*",
    },
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("etag"), null);
});
