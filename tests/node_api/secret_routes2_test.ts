import assert from "node:assert/strict";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { nodeAt, problem } from "../uplink/dialect2_node.ts";
import { TestServer } from "../uplink/serve.ts";
import { vectors } from "../vectors/load.ts";
import { FakeSources } from "./fake_sources.ts";
import { call, type RawAnswer } from "./raw_http.ts";
import { startApi } from "./running_api.ts";

const [valid] = vectors.secrets_dialect2;

/** Reads a secret from the local API, in front of a server of dialect 2. */
async function read(
  nsk: string,
  upstream: () => Response,
  name = "db-password",
): Promise<RawAnswer & { readonly calls: number; readonly log: string }> {
  await using server = new TestServer(upstream);
  const { uplink } = nodeAt(server.url);
  const sources = new FakeSources();
  sources.secrets.key = nodeSecretToKey(nsk);
  sources.secrets.fetch = (key, signal) => uplink.fetchSecret(key, signal);
  await using running = await startApi(sources);
  const target = `/v1/state/secrets/${name}`;
  const answer = await call(running.secretsSocket, target);
  return { ...answer, calls: server.seen.length, log: running.log.text };
}

for (const vector of vectors.secrets_dialect2) {
  Deno.test(`GET of a secret agrees with vector "${vector.name}"`, async () => {
    const { nsk, body_b64, headers, expect, value, version } = vector;
    const { status, body, log } = await read(nsk, () => {
      const sent = new Headers(Object.entries(headers));
      return new Response(Uint8Array.fromBase64(body_b64), { headers: sent });
    });
    if (expect === "ok") {
      assert.equal(status, 200);
      const document = { key: "db-password", value, version };
      assert.deepEqual(JSON.parse(body), document);
    } else if (expect === "decrypt_error") {
      assert.equal(status, 500);
      assert.equal(body, '{"error":"internal error"}\n');
    } else {
      assert.equal(expect, "response_error");
      assert.equal(status, 503);
      assert.deepEqual(JSON.parse(body), {
        error: "control plane unavailable",
        reason: "control_plane_unreachable",
      });
    }
    if (value) assert.ok(!log.includes(value));
  });
}

for (const vector of vectors.error_classification_dialect2) {
  const { surface, status, code, action } = vector;
  if (surface !== "secret") continue;
  Deno.test(`GET of a secret is ${action} after ${status} ${code}`, async () => {
    const answer = await read(
      valid!.nsk,
      () => problem(status, code ?? undefined, { "retry-after": "7" }),
    );
    const [, expected] = /^local_(\d+)/.exec(action) ?? [];
    assert.equal(answer.status, Number(expected));
    const asked = action.endsWith("_with_retry_after") ? "7" : undefined;
    assert.equal(answer.headers.get("retry-after"), asked);
  });
}

Deno.test("GET of a secret that dialect 2 cannot name is a 404, and asks nobody", async () => {
  const answer = await read(valid!.nsk, () => new Response(), "Db.Password");
  assert.equal(answer.status, 404);
  assert.equal(answer.calls, 0);
});
