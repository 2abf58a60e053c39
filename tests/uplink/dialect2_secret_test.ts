import assert from "node:assert/strict";
import { decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { vectors } from "../vectors/load.ts";
import { BEARER, never, NODE_ID, nodeAt } from "./dialect2_node.ts";
import { failureFrom, TestServer } from "./serve.ts";

for (const vector of vectors.secrets_dialect2) {
  const { name, nsk, body_b64, headers, expect, value, version } = vector;
  Deno.test(`fetchSecret() agrees with vector "${name}"`, async () => {
    await using server = new TestServer(() =>
      new Response(Uint8Array.fromBase64(body_b64), {
        headers: headers as unknown as Record<string, string>,
      })
    );
    const fetching = nodeAt(server.url).uplink.fetchSecret("db", never);
    if (expect === "response_error") {
      const error = await failureFrom(fetching);
      assert.ok(error instanceof ControlError);
      assert.equal(error.kind, "bad_answer");
    } else {
      const secret = await fetching;
      const opened = decryptSecret(nodeSecretToKey(nsk), secret);
      if (expect === "decrypt_error") {
        await assert.rejects(opened, { name: "DecryptError" });
      } else {
        assert.equal(await opened, value);
        assert.equal(secret.version, version);
        assert.equal(secret.key, "db");
      }
    }
    const [request] = server.seen;
    assert.equal(request?.path, `/v1/nodes/${NODE_ID}/secrets/db`);
    assert.equal(request?.headers.get("accept"), "application/octet-stream");
    assert.equal(request?.headers.get("authorization"), `Bearer ${BEARER}`);
  });
}

for (const { name, valid_keys, invalid_keys } of vectors.report_sync) {
  if (name !== "d2-secret-name-grammar") continue;
  Deno.test(`fetchSecret() asks for names of dialect 2 only, as vector ${name} has them`, async () => {
    await using server = new TestServer(() =>
      new Response(new Uint8Array(28), {
        headers: { "x-plexsphere-secret-version": "1" },
      })
    );
    const { uplink } = nodeAt(server.url);
    assert.ok(valid_keys && invalid_keys);
    for (const key of invalid_keys) {
      const error = await failureFrom(uplink.fetchSecret(key, never));
      assert.ok(error instanceof ControlError);
      assert.equal(error.kind, "not_found", key);
    }
    assert.deepEqual(server.seen, []);
    for (const key of valid_keys) await uplink.fetchSecret(key, never);
    assert.equal(server.seen.length, valid_keys.length);
  });
}

for (const version of ["-1", "1.0", "0x1", "01", "", " ", "9".repeat(20)]) {
  Deno.test(`fetchSecret() refuses the version "${version}"`, async () => {
    await using server = new TestServer(() =>
      new Response(new Uint8Array(28), {
        headers: { "x-plexsphere-secret-version": version },
      })
    );
    const { uplink } = nodeAt(server.url);
    const error = await failureFrom(uplink.fetchSecret("db", never));
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "bad_answer");
  });
}

for (const [length, fits] of [[28 + 2 ** 20, true], [29 + 2 ** 20, false]]) {
  Deno.test(`fetchSecret() ${fits ? "takes" : "refuses"} an answer of ${length} bytes`, async () => {
    await using server = new TestServer(() =>
      new Response(new Uint8Array(Number(length)).fill(9), {
        headers: { "x-plexsphere-secret-version": "1" },
      })
    );
    const fetching = nodeAt(server.url).uplink.fetchSecret("db", never);
    if (fits) {
      const { ciphertext } = await fetching;
      assert.equal(Uint8Array.fromBase64(ciphertext).length, 16 + 2 ** 20);
      return;
    }
    const error = await failureFrom(fetching);
    assert.ok(error instanceof ControlError);
    assert.equal(error.kind, "bad_answer");
  });
}

Deno.test("fetchSecret() leaves a secret alone that begins as gzip files do", async () => {
  const bytes = new Uint8Array(40).fill(7);
  bytes.set([0x1f, 0x8b, 0x08]);
  await using server = new TestServer(() =>
    new Response(bytes, { headers: { "x-plexsphere-secret-version": "1" } })
  );
  const secret = await nodeAt(server.url).uplink.fetchSecret("db", never);
  assert.deepEqual(
    Uint8Array.fromBase64(secret.nonce),
    bytes.subarray(0, 12),
  );
});
