import assert from "node:assert/strict";
import { MAX_REPORTS_1 } from "../../src/control_plane/node_routes/report.ts";
import { vectors } from "../vectors/load.ts";
import { RunningPlane, type TestNode } from "./running_plane.ts";

async function reportsOf(node: TestNode) {
  const { json } = await node.admin("GET", "/reports");
  return json["reports"] as Record<string, unknown>[];
}

function entry(key: string, payload: unknown, version = 1) {
  const updated_at = "2026-03-01T12:00:00.5Z";
  return {
    key,
    content_type: "application/json",
    payload,
    version,
    updated_at,
  };
}

for (const vector of vectors.report_sync) {
  if (vector.dialect !== 1) continue;
  Deno.test(`report takes the body of vector ${vector.name}`, async () => {
    await using plane = await RunningPlane.start();
    const node = await plane.join();
    await node.call("POST", "/report", {
      entries: [entry("old", "x")],
      deleted: [],
    });
    const answer = await node.call("POST", "/report", vector.go_body);
    assert.equal(answer.status, 200);
    const kept = [entry("old", "x")].filter(({ key }) =>
      !(vector.deleted as string[] | undefined)?.includes(key)
    );
    assert.deepEqual(await reportsOf(node), [
      ...vector.entries ?? [],
      ...kept,
    ]);
  });
}

Deno.test("report keeps a payload's own text", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const payload = '{"z":1.0,"a":12345678901234567890,"z":[1e+05]}';
  const body = `{"entries":[{"key":"k","content_type":"text/plain","payload":${
    payload.replace(":", " : ")
  },"version":3,"updated_at":"t"}],"deleted":null}`;
  assert.equal((await node.call("POST", "/report", body)).status, 200);
  const { text } = await node.admin("GET", "/reports");
  assert.ok(text.includes(payload.replace(":", " : ")), text);
});

Deno.test("report changes nothing when the same batch comes again", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const batch = { entries: [entry("k", { a: 1 })], deleted: ["gone"] };
  await node.call("POST", "/report", batch);
  const before = await reportsOf(node);
  assert.equal((await node.call("POST", "/report", batch)).status, 200);
  assert.deepEqual(await reportsOf(node), before);
});

Deno.test("report takes a key that was deleted and made again, with a lower version", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.call("POST", "/report", { entries: [entry("k", "old", 9)] });
  await node.call("POST", "/report", { entries: [entry("k", "new", 1)] });
  assert.deepEqual(await reportsOf(node), [entry("k", "new", 1)]);
});

Deno.test("report keeps the last of two entries of one key, and one that is also deleted", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const answer = await node.call("POST", "/report", {
    entries: [entry("k", 1), entry("k", 2, 2)],
    deleted: ["k"],
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(await reportsOf(node), [entry("k", 2, 2)]);
});

Deno.test("a node without room for a report changes nothing with that batch, and can change and delete others", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const post = (entries: readonly unknown[], deleted: string[] = []) =>
    node.call("POST", "/report", { entries, deleted });
  const all = Array.from(
    { length: MAX_REPORTS_1 },
    (_, n) => entry(`r${n}`, n),
  );
  assert.equal((await post(all)).status, 200);

  const refused = await post([entry("r0", "changed", 2), entry("more", 1)]);
  refused.assertProblem(409, "report_quota_exceeded");
  const kept = await reportsOf(node);
  assert.equal(kept.length, MAX_REPORTS_1);
  assert.equal(kept.find(({ key }) => key === "r0")?.["version"], 1);

  assert.equal((await post([entry("r0", "changed", 2)])).status, 200);
  assert.equal((await post([entry("more", 1)], ["r1"])).status, 200);
  assert.equal((await post(all.slice(2))).status, 200, "sent once more");
  (await post([entry("r1", 1)])).assertProblem(409, "report_quota_exceeded");
  assert.equal((await post([], ["r2"])).status, 200);
  assert.equal((await post([entry("r1", 1)])).status, 200);
});

Deno.test("report emits no event", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.call("POST", "/report", { entries: [entry("k", 1)] });
  const { json } = await node.admin("GET", "/events");
  assert.deepEqual(json["events"], []);
});

Deno.test("report takes a gzipped batch of several entries near 1 MiB each", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const large = "x".repeat(1_000_000);
  const text = JSON.stringify({
    entries: [entry("a", large), entry("b", large)],
    deleted: null,
  });
  const body = await new Response(
    new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  const answer = await plane.call("POST", `/v1/nodes/${node.id}/report`, {
    bearer: node.secretKey,
    headers: { "content-encoding": "gzip" },
    body,
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await reportsOf(node)).length, 2);
});

Deno.test("reports survive a restart and go with their node", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.call("POST", "/report", { entries: [entry("k", 1)] });
  await plane.restart();
  assert.equal((await reportsOf(node)).length, 1);
  await node.admin("DELETE", "");
  (await plane.admin("GET", `/nodes/${node.id}/reports`)).assertProblem(
    404,
    "node_not_found",
  );
});

Deno.test("drift reports are shown newest first, and the newest hundred are kept", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  for (let count = 0; count < 102; count++) {
    const answer = await node.call("POST", "/drift", {
      timestamp: `t${count}`,
      corrections: [{ type: "data_updated", detail: "data updated" }],
    });
    assert.equal(answer.status, 200);
  }
  const { json } = await node.admin("GET", "/drift");
  const drift = json["drift"] as { report: { timestamp: string } }[];
  assert.equal(drift.length, 100);
  assert.equal(drift[0]?.report.timestamp, "t101");
});

const heartbeat = (node_id: string) => ({
  node_id,
  timestamp: "2026-03-01T12:00:00Z",
  status: "healthy",
  uptime: "1m2.5s",
  binary_checksum: "",
});

Deno.test("heartbeat is noted, and answered without hints when all is well", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  await node.call("GET", "/state");
  for (const id of [node.id, ""]) {
    const answer = await node.call("POST", "/heartbeat", heartbeat(id));
    assert.deepEqual(answer.json, { reconcile: false, rotate_keys: false });
  }
  const { json } = await node.admin("GET", "");
  assert.equal(json["last_heartbeat_at"], "2026-03-01T12:00:00.000Z");
});

Deno.test("heartbeat is refused for another node's id", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  (await node.call("POST", "/heartbeat", heartbeat("other"))).assertProblem(
    403,
    "node_id_mismatch",
  );
});

Deno.test("heartbeat hints at a pull while changes have no stream to come by", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const hint = async () =>
    (await node.call("POST", "/heartbeat", heartbeat(node.id)))
      .json["reconcile"];
  await node.call("GET", "/state");
  await node.admin("PUT", "/metadata/a", { value: "1" });
  assert.equal(await hint(), true);
  const stream = await node.events();
  assert.equal(await hint(), false);
  await stream.close();
  await node.call("GET", "/state");
  assert.equal(await hint(), false);
});

Deno.test("rotate-keys is told by an event, and by heartbeats, since an answer can be lost", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const stream = await node.events();
  await node.admin("POST", "/rotate-keys");
  assert.equal((await stream.next()).event, "rotate_keys");
  await stream.close();
  for (let time = 0; time < 2; time++) {
    const answer = await node.call("POST", "/heartbeat", heartbeat(node.id));
    assert.equal(answer.json["rotate_keys"], true);
  }
});
