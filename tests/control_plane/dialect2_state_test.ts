import assert from "node:assert/strict";
import { parseSnapshot2 } from "../../src/wire/dialect2/parse_snapshot2.ts";
import {
  parseSignedSnapshot,
  SNAPSHOT_MEDIA_TYPE,
} from "../../src/wire/signed_snapshot.ts";
import { join2 } from "./dialect2_node.ts";
import { RunningPlane } from "./running_plane.ts";

const ZERO = "0001-01-01T00:00:00Z";

Deno.test("an empty snapshot has all its members", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const nothing = { metadata: [], data: [], reports: [] };
  const state = await node.state();
  assert.deepEqual(state, {
    peers: [],
    reachability: { state: "", last_heartbeat_at: ZERO, changed_at: ZERO },
    policy: null,
    bridge: null,
    state: nothing,
    reports: nothing,
    executions: [],
    sessions: [],
  });
  parseSnapshot2(JSON.stringify(state));
});

Deno.test("a snapshot has metadata, data and reports in the order of keys", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await node.admin("PUT", "/metadata/b", { value: "2" });
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const put = (key: string, payload: string) =>
    node.admin(
      "PUT",
      `/data/${key}`,
      `{"content_type":"application/json","payload":${payload}}`,
    );
  await put("text", '"line\\n\\u00e9"');
  await put("object", '{ "b": 1.0, "a": [1e5] }');
  await put("null", "null");
  await node.call("PUT", "/state/reports/r", {
    value: '{"ok": true}',
    workload_tag: "web",
  });
  await node.call("PUT", "/state/reports/q", { value: "plain" });
  const { state, reports } = await node.state();
  assert.deepEqual(state, {
    metadata: [{ key: "a", value: "1" }, { key: "b", value: "2" }],
    data: [
      { key: "null", value: "null" },
      { key: "object", value: '{"b":1.0,"a":[1e5]}' },
      { key: "text", value: "line\né" },
    ],
    reports: [
      { key: "q", value: "plain" },
      { key: "r", value: '{"ok": true}', workload_tag: "web" },
    ],
  });
  assert.deepEqual(reports, state);
});

Deno.test("a snapshot has the peers of either dialect, and not the node itself", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  // Ids are in the order of time.
  await plane.clock.advance(1);
  const first = await plane.join();
  await plane.clock.advance(1);
  const second = await join2(plane);
  await plane.join("elsewhere");
  await first.call("PUT", "/endpoint", {
    public_endpoint: "192.0.2.1:51820",
    nat_type: "none",
  });
  const { peers } = await node.state();
  const shown = peers as Record<string, unknown>[];
  assert.deepEqual(
    shown.map(({ public_key: _key, ...peer }) => peer),
    [
      {
        node_id: first.id,
        mesh_ip: first.meshIp,
        fallback_endpoint: "192.0.2.1:51820",
      },
      { node_id: second.id, mesh_ip: second.meshIp },
    ],
  );
  const there = await first.call("GET", "/state");
  assert.deepEqual(
    (there.json["peers"] as Record<string, unknown>[]).map(({ id }) => id),
    [node.id, second.id],
  );
});

Deno.test("the policies of a domain are one, under a revision", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const rule = {
    src: "10.42.0.1/32",
    dst: "10.42.0.2/32",
    protocol: "tcp",
    action: "allow",
  };
  await plane.admin("PUT", "/policies/b", { rules: [{ ...rule, port: 22 }] });
  const before = (await node.state())["policy"] as Record<string, unknown>;
  await plane.admin("PUT", "/policies/a", { rules: [{ ...rule, port: 0 }] });
  const after = (await node.state())["policy"] as Record<string, unknown>;
  const common = {
    action: "allow",
    protocol: "tcp",
    source_cidr: "10.42.0.1/32",
    destination_cidr: "10.42.0.2/32",
  };
  assert.deepEqual(after["rules"], [
    common,
    { ...common, ports: { from: 22, to: 22 } },
  ]);
  for (const member of ["revision_id", "fingerprint"]) {
    assert.notEqual(after[member], before[member]);
  }
  assert.equal(String(after["fingerprint"]).length, 44);
  await plane.admin("DELETE", "/policies/a");
  const back = (await node.state())["policy"] as Record<string, unknown>;
  assert.equal(back["fingerprint"], before["fingerprint"]);
  await plane.admin("DELETE", "/policies/b");
  assert.equal((await node.state())["policy"], null);
});

Deno.test("reachability follows the heartbeats", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const start = plane.clock.now();
  const beat = async () => {
    const answer = await node.call("POST", "/heartbeat", {
      client_now: new Date(plane.clock.now()).toISOString(),
      binary_checksum: "a".repeat(64),
      binary_version: "1",
      nat_summary: {},
    });
    assert.equal(answer.status, 200, answer.text);
  };
  const at = (ms: number) => new Date(start + ms).toISOString();
  const expect = async (state: string, last: number, changed: number) =>
    assert.deepEqual((await node.state())["reachability"], {
      state,
      last_heartbeat_at: at(last),
      changed_at: at(changed),
    });
  await beat();
  await plane.clock.advance(30_000);
  await beat();
  await expect("healthy", 30_000, 0);
  await plane.clock.advance(89_999);
  await expect("healthy", 30_000, 0);
  await plane.clock.advance(1);
  await expect("stale", 30_000, 120_000);
  await plane.clock.advance(210_000);
  await expect("unreachable", 30_000, 330_000);
  await beat();
  await expect("healthy", 330_000, 330_000);
});

Deno.test("a signed snapshot has the same content without reachability", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  await node.admin("PUT", "/metadata/a", { value: "1" });
  const accept = `${SNAPSHOT_MEDIA_TYPE}, application/json;q=0.9`;
  const answer = await node.call("GET", "/state", undefined, { accept });
  assert.equal(answer.headers.get("content-type"), SNAPSHOT_MEDIA_TYPE);
  assert.equal(answer.json["dialect"], 2);
  assert.equal(
    answer.json["key_id"],
    node.registration["signing_key_id"],
  );
  const { reachability: _none, ...plain } = await node.state();
  assert.deepEqual(JSON.parse(parseSignedSnapshot(answer.text).content), plain);
});

Deno.test("keys that dialect 2 cannot carry are not set", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const long = "x".repeat(129);
  for (
    const [path, body] of [
      [`/metadata/${long}`, { value: "1" }],
      [`/data/${long}`, { content_type: "text/plain", payload: 1 }],
      ["/secrets/DB", { value: "x" }],
      [`/secrets/${"x".repeat(64)}`, { value: "x" }],
    ] as const
  ) {
    (await plane.admin("PUT", `/nodes/${node.id}${path}`, body))
      .assertProblem(400, "invalid_key");
  }
  const other = await plane.join();
  await other.admin("PUT", "/secrets/DB", { value: "x" });
});
