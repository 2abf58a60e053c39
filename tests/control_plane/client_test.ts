import assert from "node:assert/strict";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";
import { SseReader } from "./sse_reader.ts";

Deno.test("the agent's client gets along with every route of the server", async () => {
  await using plane = await RunningPlane.start();
  const client = new ControlClient({
    baseUrl: plane.url,
    version: "1.2.3",
    clock: plane.clock,
    log: plane.log,
  });
  const leave = new AbortController();
  const { signal } = leave;
  await client.ping(signal);

  const token = await plane.token();
  const request = { token, public_key: newPublicKey(), hostname: "h" };
  const node = await client.register(token, request, signal);
  assert.ok(node.domain_id);
  client.setAuthToken(node.node_secret_key);

  const large = "x".repeat(50_000);
  await plane.admin("PUT", `/nodes/${node.node_id}/metadata/k`, {
    value: large,
  });
  await plane.admin("PUT", `/nodes/${node.node_id}/secrets/a%2Fb`, {
    value: "hush",
  });
  const state = await client.fetchState(node.node_id, signal);
  assert.equal(state.metadata.get("k"), large);
  assert.equal(state.position?.version, 3);

  const secret = await client.fetchSecret(node.node_id, "a/b", signal);
  const key = nodeSecretToKey(node.node_secret_key);
  assert.equal(await decryptSecret(key, secret), "hush");
  await assert.rejects(
    client.fetchSecret(node.node_id, "other", signal),
    (error) => error instanceof ControlError && error.kind === "not_found",
  );

  const hints = await client.heartbeat(node.node_id, {
    node_id: node.node_id,
    timestamp: "2026-03-01T12:00:00Z",
    status: "healthy",
    uptime: "1s",
    binary_checksum: "",
  }, signal);
  assert.deepEqual(hints, { reconcile: false, rotate_keys: false });

  await client.syncReports(node.node_id, {
    entries: [{
      key: "big",
      contentType: "text/plain",
      payload: JSON.stringify(large),
      version: 1,
      updatedAt: "2026-03-01T12:00:00Z",
    }],
    deleted: ["gone"],
  }, signal);
  await client.reportDrift(node.node_id, {
    timestamp: "2026-03-01T12:00:00Z",
    corrections: [{ type: "data_updated", detail: "data updated" }],
  }, signal);

  const body = await client.openEvents(node.node_id, "1", signal);
  const stream = new SseReader(body as ReadableStream<Uint8Array<ArrayBuffer>>);
  assert.equal((await stream.next()).event, "node_secrets_updated");
  await stream.close();
  leave.abort();
});
