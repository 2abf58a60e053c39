import assert from "node:assert/strict";
import { DecryptError, decryptSecret } from "../../src/trust/decrypt_secret.ts";
import { nodeSecretToKey } from "../../src/wire/node_secret.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { vectors } from "../vectors/load.ts";

for (const { name, nsk, response, expect, value } of vectors.secrets_dialect1) {
  Deno.test(`decryptSecret() ends as in vector ${name}`, async () => {
    const decrypt = async () =>
      await decryptSecret(nodeSecretToKey(nsk), response);
    if (expect === "ok") {
      assert.equal(await decrypt(), value);
    } else {
      // A key that is none fails before anything could be decrypted with it.
      const error = name === "nsk-not-32-bytes" ? ShapeError : DecryptError;
      await assert.rejects(decrypt, error);
    }
  });
}

const KEY = nodeSecretToKey("0123456789abcdefghijklmnopqrstuv");

async function encrypt(plaintext: Uint8Array<ArrayBuffer>) {
  const iv = new Uint8Array(12).fill(7);
  const aes = await crypto.subtle.importKey("raw", KEY, "AES-GCM", false, [
    "encrypt",
  ]);
  const bytes = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv },
    aes,
    plaintext,
  );
  return {
    key: "k",
    version: 1,
    nonce: iv.toBase64(),
    ciphertext: new Uint8Array(bytes).toBase64(),
  };
}

Deno.test("decryptSecret() keeps a byte order mark", async () => {
  const secret = await encrypt(new TextEncoder().encode("\ufeffx"));
  assert.equal(await decryptSecret(KEY, secret), "\ufeffx");
});

Deno.test("decryptSecret() has one message for every failure, without cause", async () => {
  const good = await encrypt(new TextEncoder().encode("s3cret"));
  const bad = [
    decryptSecret(KEY.slice(0, 16), good),
    decryptSecret(new Uint8Array(32), good),
    decryptSecret(KEY, { ...good, nonce: "!" }),
    decryptSecret(KEY, { ...good, nonce: "AAAA" }),
    decryptSecret(KEY, { ...good, ciphertext: "AAAA" }),
    decryptSecret(KEY, { ...good, ciphertext: "not base64" }),
  ];
  for (const result of await Promise.allSettled(bad)) {
    assert(result.status === "rejected");
    assert(result.reason instanceof DecryptError);
    assert.equal(result.reason.message, "Cannot decrypt the secret");
    assert.equal(result.reason.cause, undefined);
  }
});
