import assert from "node:assert/strict";
import { join2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";

const BLOCK = '{ "site_to_site": null, "relay": {"b": 1.0,\n "a": [1e5]} }';
const KEPT = '{"relay":{"b":1.0,"a":[1e5]},"site_to_site":null}';

Deno.test("a bridge's block is in pull and event, byte for byte the same", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const stream = await node.events();
  const put = await plane.admin("PUT", `/bridges/${node.id}`, BLOCK);
  assert.equal(put.status, 200, put.text);
  const { text } = await node.call("GET", "/state");
  assert.ok(text.includes(`"bridge":${KEPT},`), text);
  const first = await stream.next();
  assert.equal(first.event, "bridge_config_updated");
  assert.ok(first.data.includes(`"effective_config":${KEPT}}`), first.data);
  const gone = await plane.admin("DELETE", `/bridges/${node.id}`);
  assert.equal(gone.status, 204);
  assert.equal((await node.state())["bridge"], null);
  assert.ok((await stream.next()).data.includes('"effective_config":null}'));
  await stream.close();
});

Deno.test("bridges are listed, shown, and not told again as they are", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const path = `/bridges/${node.id}`;
  (await plane.admin("GET", path)).assertProblem(404, "bridge_not_found");
  (await plane.admin("DELETE", path)).assertProblem(404, "bridge_not_found");
  const { state_version } = (await plane.admin("PUT", path, BLOCK)).json;
  const again = await plane.admin("PUT", path, BLOCK);
  assert.equal(again.json["state_version"], state_version);
  assert.equal(
    (await plane.admin("GET", path)).text.trim(),
    `{"node_id":"${node.id}","config":${KEPT}}`,
  );
  assert.deepEqual((await plane.admin("GET", "/bridges")).json, {
    bridges: [{ node_id: node.id, config: JSON.parse(KEPT) }],
  });
});

for (
  const { what, body, code } of [
    { what: "another part", body: { peers: {} }, code: "malformed_body" },
    {
      what: "a part that is no object",
      body: { relay: 1 },
      code: "malformed_body",
    },
    { what: "no object", body: [], code: "malformed_body" },
  ]
) {
  Deno.test(`a bridge's block with ${what} is refused`, async () => {
    await using plane = await RunningPlane.start();
    const node = await join2(plane);
    (await plane.admin("PUT", `/bridges/${node.id}`, body))
      .assertProblem(400, code);
    assert.equal((await node.state())["bridge"], null);
  });
}
