import assert from "node:assert/strict";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { Dialect1Uplink } from "../../src/uplink/dialect1_uplink.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { parseSignedSnapshot } from "../../src/wire/signed_snapshot.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { parseTrustBundle } from "../../src/wire/trust_bundle.ts";
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
  const uplink = new Dialect1Uplink({
    http: client.http,
    nodeId: node.node_id,
    bearer: () => node.node_secret_key,
  });

  const large = "x".repeat(50_000);
  await plane.admin("PUT", `/nodes/${node.node_id}/metadata/k`, {
    value: large,
  });
  await plane.admin("PUT", `/nodes/${node.node_id}/secrets/a%2Fb`, {
    value: "hush",
  });
  const pulled = await uplink.pullState(undefined, signal);
  assert.equal(pulled.kind, "signed");
  const { text } = pulled as { readonly text: string };
  const state = parseStateDocument(parseSignedSnapshot(text).content);
  parseTrustBundle(await uplink.fetchTrustBundle(signal));
  assert.equal(state.metadata.get("k"), large);
  assert.equal(state.position?.version, 3);

  const secret = await uplink.fetchSecret("a/b", signal);
  const key = nodeSecretToKey(node.node_secret_key);
  assert.equal(await decryptSecret(key, secret), "hush");
  await assert.rejects(
    uplink.fetchSecret("other", signal),
    (error) => error instanceof ControlError && error.kind === "not_found",
  );

  const hints = await uplink.heartbeat({
    timestamp: "2026-03-01T12:00:00Z",
    status: "healthy",
    uptimeMs: 1_000,
    binarySha256: "",
  }, signal);
  assert.deepEqual(hints, { reconcile: false, rotateKeys: false });

  await uplink.syncReports({
    entries: [{
      key: "big",
      contentType: "text/plain",
      payload: JSON.stringify(large),
      version: 1,
      updatedAt: "2026-03-01T12:00:00Z",
    }],
    deleted: ["gone"],
  }, signal);
  await uplink.reportDrift({
    timestamp: "2026-03-01T12:00:00Z",
    corrections: [{ type: "data_updated", detail: "data updated" }],
  }, signal);

  const body = await uplink.openEvents("1", signal);
  const stream = new SseReader(body as ReadableStream<Uint8Array<ArrayBuffer>>);
  assert.equal((await stream.next()).event, "node_secrets_updated");
  await stream.close();
  leave.abort();
});
